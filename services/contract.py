"""The contract: the facts about a technique that services, gateway and load generator share.

This module imports only the standard library, so every other module may import it. Parameters come
first, then workloads, then the technique itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Value = int | str


class Need(StrEnum):
    """A server that a technique's service depends on."""

    POSTGRES = "postgres"
    REDIS = "redis"


@dataclass(frozen=True, slots=True)
class IntegerParameter:
    """A whole number in a query string, from `minimum` to `maximum`, both included."""

    name: str
    description: str
    default: int
    minimum: int
    maximum: int

    @property
    def bound(self) -> str:
        """The allowed values, for error messages."""
        return f"a whole number from {self.minimum} to {self.maximum}"

    def parse(self, text: str) -> int:
        """The number that the text contains. Raises ValueError if it is out of bounds."""
        # int() alone would also accept "1_000", " 7 " and digits of other scripts.
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
    """An opaque token that the service itself has issued. Empty means "from the start"."""

    name: str
    description: str
    default: str = ""
    maximum_length: int = 256

    @property
    def bound(self) -> str:
        """The allowed values, for error messages."""
        return f"a token from a link, at most {self.maximum_length} of A-Z a-z 0-9 - _"

    def parse(self, text: str) -> str:
        """The token. Raises ValueError if the service cannot have issued it."""
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
    """One word of a fixed list."""

    name: str
    description: str
    default: str
    choices: tuple[str, ...]

    @property
    def bound(self) -> str:
        """The allowed values, for error messages."""
        return f"one of {', '.join(self.choices)}"

    def parse(self, text: str) -> str:
        """The word. Raises ValueError if it is not in the list."""
        if text not in self.choices:
            raise ValueError(self.bound)
        return text

    def schema(self) -> dict[str, Value | list[str]]:
        """The parameter as JSON Schema."""
        return {"type": "string", "default": self.default, "enum": list(self.choices)}


Parameter = IntegerParameter | TokenParameter | ChoiceParameter


@dataclass(frozen=True, slots=True)
class Variant:
    """One implementation of the technique's task, with a route of its own name."""

    name: str
    summary: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A parameter with the same value in every request."""

    value: Value


@dataclass(frozen=True, slots=True)
class Uniform:
    """Whole numbers from `minimum` to `maximum`, all with the same probability."""

    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Zipf:
    """Whole numbers from 1 to `population`; number k has the weight 1 / k ** `exponent`."""

    population: int
    exponent: float


@dataclass(frozen=True, slots=True)
class Followed:
    """Values that a client finds when it follows links.

    The client starts with a request with `query` and with the workload's constant parameters. It
    follows the link `first` of the response, then the link `then`, until it has `count` values.
    """

    first: str
    then: str
    count: int
    query: Mapping[str, Value] = field(default_factory=dict)


#: How the load generator chooses the values of a parameter.
Draw = Constant | Uniform | Zipf | Followed


@dataclass(frozen=True, slots=True)
class Workload:
    """The requests that the load generator sends by default; `draws` is by parameter name."""

    description: str
    draws: Mapping[str, Draw] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


#: Parameters of the load itself. They exist for every technique and are not sent to the services.
LOAD_PARAMETERS: tuple[IntegerParameter, ...] = (
    IntegerParameter(
        "concurrency", "Clients that send at the same time.", default=4, minimum=1, maximum=1000
    ),
    IntegerParameter(
        "link",
        "Bandwidth at which clients read, in megabits a second; loopback carries far more.",
        default=10_000,
        minimum=1,
        maximum=10_000,
    ),
    IntegerParameter(
        "latency",
        "Delay of each response on its way to the client, in milliseconds.",
        default=0,
        minimum=0,
        maximum=1000,
    ),
)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Workloads that differ in one number: for some values the technique helps, for others not.

    `parameter` is a parameter of the technique or one of LOAD_PARAMETERS. `draws` and `concurrency`
    replace those of the default workload, for all values.
    """

    parameter: str
    values: tuple[int, ...]
    description: str
    draws: Mapping[str, Draw] = field(default_factory=dict)
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Technique:
    """The facts about one technique. Its code is in the folder `services/{package}`."""

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
        """The path of a variant; without one, the path of the card."""
        return f"/{self.name}/{variant}" if variant else f"/{self.name}"

    def variant_names(self) -> tuple[str, ...]:
        return tuple(variant.name for variant in self.variants)

    def swept(self) -> dict[str, IntegerParameter]:
        """The parameters that a sweep may vary: integers of the technique and of the load."""
        own = [each for each in self.parameters if isinstance(each, IntegerParameter)]
        return {each.name: each for each in (*own, *LOAD_PARAMETERS)}

    def card(self) -> dict[str, object]:
        """The technique as JSON: the response to `GET /{technique}`."""
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
