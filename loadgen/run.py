"""`loadgen run`: measure techniques one after the other, and say what came of it."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from loadgen.connection import Address
from loadgen.experiment import Outcome, Settings, measure
from services.contract import Technique


async def measure_all(
    techniques: Sequence[Technique],
    addresses: Mapping[str, Address],
    settings: Settings,
    console: Console,
) -> list[Outcome]:
    """Outcomes in the order of the techniques. Raises RequestFailed."""
    columns = (
        TextColumn("{task.description:<20}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    outcomes = []
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=settings.steps * len(techniques))
        for number, technique in enumerate(techniques):
            bar.update(task, description=technique.name, completed=number * settings.steps)
            outcome = await measure(
                technique, addresses[technique.name], settings, lambda: bar.advance(task)
            )
            outcomes.append(outcome)
    return outcomes
