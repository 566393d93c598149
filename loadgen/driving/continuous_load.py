"""The settings of continuous load, their bounds, and the slots of load that follow from them."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from services.catalog import BY_NAME

_MAXIMUM_NAMES = 100


def _known_techniques(names: list[str]) -> list[str]:
    for name in names:
        if name not in BY_NAME:
            raise ValueError(f"{name!r} is not a technique")
    return names


class ContinuousLoad(BaseModel):
    """The settings that clients can change. A field's description is shown when it is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    running: bool = Field(True, description="true or false")
    rate: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        None,
        description="requests per second of an open loop, above 0 and at most 100000;"
        " null for a closed loop",
    )
    # Two clients with a pause leave most of the machine to other programs.
    concurrency: int = Field(
        2, ge=1, le=1000, description="clients of a closed loop, a whole number from 1 to 1000"
    )
    pause: float = Field(
        0.01,
        ge=0,
        le=1,
        description="seconds that a client of a closed loop waits after a response, from 0 to 1",
    )
    techniques: Annotated[list[str], AfterValidator(_known_techniques)] = Field(
        list(BY_NAME),
        min_length=1,
        max_length=_MAXIMUM_NAMES,
        description=f"a list of {', '.join(BY_NAME)}; a name listed twice gets two slots",
    )
    variants: list[str] | None = Field(
        None,
        min_length=1,
        max_length=_MAXIMUM_NAMES,
        description="a list of variants of these techniques, or null for all of them",
    )
    # A round over all variants must fit into the shortest window of a dashboard panel.
    slot_seconds: float = Field(
        0.4, ge=0.1, le=60, description="seconds of load per variant in a round, from 0.1 to 60"
    )

    @field_validator("variants")
    @classmethod
    def _known_variants(cls, names: list[str] | None, info: ValidationInfo) -> list[str] | None:
        techniques = info.data.get("techniques", [])
        known = {name for each in techniques for name in BY_NAME[each].variant_names()}
        for name in names or []:
            if name not in known:
                raise ValueError(f"{name!r} is not a variant of {', '.join(techniques)}")
        return names

    def with_changes(self, changes: Mapping[str, object]) -> "ContinuousLoad":
        """A copy with the changes. Raises LoadRefused for the first invalid one."""
        try:
            return ContinuousLoad.model_validate({**self.model_dump(), **changes})
        except ValidationError as error:
            raise _refusal(error) from None


class LoadRefused(Exception):
    """An invalid change. `parameter` names the field and is empty for an invalid body."""

    def __init__(self, detail: str, parameter: str = "", bound: str = "") -> None:
        super().__init__(f"{parameter}: {detail}" if parameter else detail)
        self.members = {"parameter": parameter, "bound": bound} if parameter else {}


def _refusal(error: ValidationError) -> LoadRefused:
    problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
    # The client chose this name, so its length needs a bound.
    name = str(problem["loc"][0])[:64]
    fields = ContinuousLoad.model_fields
    if name not in fields:
        return LoadRefused("this field does not exist", name, f"one of {', '.join(fields)}")
    detail = problem["msg"].removeprefix("Value error, ")
    return LoadRefused(detail, name, fields[name].description or "")


class Slot(NamedTuple):
    """A period of load on one variant."""

    technique: str
    variant: str


def slots(load: ContinuousLoad, round_number: int) -> list[Slot]:
    """The slots of a round, in order. Odd rounds reverse the variants of each technique.

    So a variant does not always follow the same predecessor, whose after-effects it would suffer.
    """
    direction = -1 if round_number % 2 else 1
    return [
        Slot(technique, variant)
        for technique in load.techniques
        for variant in BY_NAME[technique].variant_names()[::direction]
        if load.variants is None or variant in load.variants
    ]
