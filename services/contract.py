"""What a technique is: the facts that services, gateway and load generator agree on.

Standard library only, so that anything may import it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Value = int | str


class Need(StrEnum):
    """A server that a technique's service cannot work without."""

    POSTGRES = "postgres"
    REDIS = "redis"


@dataclass(frozen=True, slots=True)
class IntegerParameter:
    """A whole number in a query string, bounds included."""

    name: str
    description: str
    default: int
    minimum: int
    maximum: int

    @property
    def bound(self) -> str:
        return f"a whole number from {self.minimum} to {self.maximum}"

    def parse(self, text: str) -> int:
        """Raise ValueError when the text is no such number."""
        # int() alone would also take "1_000", " 7 " and digits of other scripts.
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise ValueError(self.bound)
        number = int(text)
        if not self.minimum <= number <= self.maximum:
            raise ValueError(self.bound)
        return number

    def schema(self) -> dict[str, Value]:
        """The parameter as JSON Schema."""
        return {
            "type": "integer",
            "default": self.default,
            "minimum": self.minimum,
            "maximum": self.maximum,
        }


@dataclass(frozen=True, slots=True)
class TokenParameter:
    """An opaque text that the service handed out itself, empty for "from the start"."""

    name: str
    description: str
    default: str = ""
    maximum_length: int = 256

    @property
    def bound(self) -> str:
        return f"a token from a link, at most {self.maximum_length} of A-Z a-z 0-9 - _"

    def parse(self, text: str) -> str:
        """Raise ValueError when the text cannot have been handed out by the service."""
        if len(text) > self.maximum_length or not re.fullmatch(r"[A-Za-z0-9_-]*", text):
            raise ValueError(self.bound)
        return text

    def schema(self) -> dict[str, Value]:
        """The parameter as JSON Schema."""
        return {
            "type": "string",
            "default": self.default,
            "maxLength": self.maximum_length,
            "pattern": "^[A-Za-z0-9_-]*$",
        }


@dataclass(frozen=True, slots=True)
class ChoiceParameter:
    """One of a few words."""

    name: str
    description: str
    default: str
    choices: tuple[str, ...]

    @property
    def bound(self) -> str:
        return f"one of {', '.join(self.choices)}"

    def parse(self, text: str) -> str:
        """Raise ValueError when the text is none of the words."""
        if text not in self.choices:
            raise ValueError(self.bound)
        return text

    def schema(self) -> dict[str, Value | list[str]]:
        """The parameter as JSON Schema."""
        return {"type": "string", "default": self.default, "enum": list(self.choices)}


Parameter = IntegerParameter | TokenParameter | ChoiceParameter


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to answer: a route of the technique's service."""

    name: str
    summary: str


@dataclass(frozen=True, slots=True)
class Constant:
    """Every request of the default workload sends this value."""

    value: Value


@dataclass(frozen=True, slots=True)
class Uniform:
    """Whole numbers from minimum to maximum, each as likely as the other."""

    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Zipf:
    """Ranks 1 to population, rank k drawn with a weight of 1 / k ** exponent."""

    population: int
    exponent: float


@dataclass(frozen=True, slots=True)
class Followed:
    """The `count` values met by taking an answer's link `first`, then `then` again and again.

    The answer that has the link `first` is asked for with `query`, and with what is constant in
    the requests that are to be measured.
    """

    first: str
    then: str
    count: int
    query: Mapping[str, Value] = field(default_factory=dict)


Draw = Constant | Uniform | Zipf | Followed


@dataclass(frozen=True, slots=True)
class Workload:
    """What the load generator sends when nobody says otherwise."""

    description: str
    draws: Mapping[str, Draw] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


#: What a load may differ in whatever the technique: no service is told of these.
LOAD_PARAMETERS: tuple[IntegerParameter, ...] = (
    IntegerParameter(
        "concurrency", "Clients that send at the same time.", default=4, minimum=1, maximum=1000
    ),
    IntegerParameter(
        "link",
        "Megabits a second at which bodies are read; far below what loopback carries.",
        default=10_000,
        minimum=1,
        maximum=10_000,
    ),
    IntegerParameter(
        "latency",
        "Milliseconds that an answer is on its way to the client.",
        default=0,
        minimum=0,
        maximum=1000,
    ),
)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Workloads that differ in one number: some for which the technique pays, some not.

    `parameter` is one of the technique's or of LOAD_PARAMETERS. `draws` and `concurrency` stand
    for the default workload's at every value.
    """

    parameter: str
    values: tuple[int, ...]
    description: str
    draws: Mapping[str, Draw] = field(default_factory=dict)
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Technique:
    """The facts of one technique; how it works stands in its folder."""

    name: str
    package: str
    title: str
    question: str
    port: int
    variants: tuple[Variant, ...]
    parameters: tuple[Parameter, ...]
    needs: frozenset[Need]
    workload: Workload
    sweep: Sweep

    def path(self, variant: str = "") -> str:
        return f"/{self.name}/{variant}" if variant else f"/{self.name}"

    def variant_names(self) -> tuple[str, ...]:
        return tuple(variant.name for variant in self.variants)

    def swept(self) -> dict[str, IntegerParameter]:
        """By name, what a sweep may go through: whole numbers, the technique's or the load's."""
        own = [each for each in self.parameters if isinstance(each, IntegerParameter)]
        return {each.name: each for each in (*own, *LOAD_PARAMETERS)}

    def card(self) -> dict[str, object]:
        """The technique as JSON: what `GET /{technique}` answers."""
        return {
            "technique": self.name,
            "title": self.title,
            "question": self.question,
            "variants": [
                {"name": variant.name, "path": self.path(variant.name), "summary": variant.summary}
                for variant in self.variants
            ],
            "parameters": [
                {"name": each.name, "description": each.description, **each.schema()}
                for each in self.parameters
            ],
            "needs": sorted(self.needs),
            "workload": self.workload.description,
            "sweep": {
                "parameter": self.sweep.parameter,
                "values": list(self.sweep.values),
                "description": self.sweep.description,
            },
        }
