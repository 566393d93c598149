"""The view of a running experiment in a terminal; without a terminal it shows nothing."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from loadgen.report.notation import NOTHING, number, printable, shortened
from loadgen.sending.histogram import Histogram

_WIDEST_NAME = 40


class Finished(Protocol):
    """The part of a finished block that the view needs."""

    @property
    def seconds(self) -> float: ...
    @property
    def answered(self) -> int: ...
    @property
    def latencies(self) -> Histogram: ...


class _Arm:
    """The sum of all finished blocks of an arm."""

    def __init__(self) -> None:
        self.latencies = Histogram()
        self._answered = 0
        self._seconds = 0.0

    def add(self, block: Finished) -> None:
        self.latencies.merge(block.latencies)
        self._answered += block.answered
        self._seconds += block.seconds

    def cells(self) -> list[str]:
        if not self.latencies.count or not self._seconds:
            return [NOTHING] * 3
        p50, p99 = (self.latencies.quantile(share) * 1e3 for share in (0.5, 0.99))
        return [number(self._answered / self._seconds), number(p50), number(p99)]


class LiveView:
    """The experiment's name, its arms with rate, p50 and p99, and a bar with the time left.

    The view is drawn between blocks only. Drawing during a block would take CPU time from the load
    generator and change the measurement.
    """

    def __init__(self, console: Console, seconds: float) -> None:
        """`seconds` is the expected duration of all blocks, including warm-ups."""
        self._shown = console.is_terminal
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            auto_refresh=False,
        )
        self._task = self._progress.add_task("", total=seconds)
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._experiment = ""
        self._current = ""
        self._arms: dict[str, _Arm] = {}

    def __enter__(self) -> Self:
        if self._shown:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def experiment(self, name: str, arms: tuple[str, ...]) -> None:
        self._experiment = name
        self._arms = {arm: _Arm() for arm in arms}
        self._draw()

    def started(self, arm: str) -> None:
        """Mark the arm whose block or warm-up begins."""
        self._current = arm
        self._draw()

    def finished(self, arm: str, block: Finished) -> None:
        """Add a measured block. The arm need not have been announced by `experiment`."""
        self._arms.setdefault(arm, _Arm()).add(block)
        self.passed(block.seconds)

    def passed(self, seconds: float) -> None:
        """Advance the bar by a warm-up or a pause."""
        self._progress.advance(self._task, seconds)
        self._draw()

    def _draw(self) -> None:
        if self._shown:
            self._live.update(self.picture(), refresh=True)

    def picture(self) -> RenderableType:
        """The current content of the view."""
        name = Text(shortened(printable(self._experiment), _WIDEST_NAME), style="bold")
        return Group(name, self._table(), self._progress)

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("")
        table.add_column("arm")
        for quantity in ("requests/s", "p50 ms", "p99 ms"):
            table.add_column(quantity, justify="right", min_width=10)
        for arm, figures in self._arms.items():
            mark = "▶" if arm == self._current else " "
            name = shortened(printable(arm), _WIDEST_NAME)
            table.add_row(*map(Text, (mark, name, *figures.cells())))
        return table
