"""The view of a running experiment."""

import io
from dataclasses import dataclass, field

from rich.console import Console

from loadgen.report.live import LiveView
from loadgen.sending.histogram import Histogram


@dataclass
class Block:
    """The part of a finished block that the view needs."""

    seconds: float
    answered: int
    latencies: Histogram = field(default_factory=Histogram)


def block(milliseconds: float, answered: int = 100, seconds: float = 0.5) -> Block:
    finished = Block(seconds, answered)
    for _ in range(answered):
        finished.latencies.record(milliseconds / 1e3)
    return finished


def shown(view: LiveView) -> str:
    console = Console(width=80, file=io.StringIO())
    with console.capture() as capture:
        console.print(view.picture())
    return capture.get()


def test_figures_cover_all_finished_blocks_of_an_arm() -> None:
    view = LiveView(Console(file=io.StringIO()), seconds=10)
    view.experiment("caching", ("naive", "optimized"))
    view.started("naive")
    view.finished("naive", block(2.0))
    view.finished("naive", block(2.0, answered=300))
    naive, optimized = shown(view).splitlines()[2:4]
    assert naive.split() == ["▶", "naive", "400", "2.00", "2.00"]
    assert optimized.split() == ["optimized", "–", "–", "–"]


def test_the_bar_counts_warmups_and_blocks() -> None:
    view = LiveView(Console(file=io.StringIO()), seconds=10)
    view.experiment("caching", ("naive",))
    view.passed(2)
    view.finished("naive", block(1.0, seconds=3))
    assert "50%" in shown(view)


def test_the_next_experiment_starts_without_figures() -> None:
    view = LiveView(Console(file=io.StringIO()), seconds=10)
    view.experiment("caching", ("naive",))
    view.finished("naive", block(2.0))
    view.experiment("pagination", ("naive",))
    assert "pagination" in shown(view)
    assert "2.00" not in shown(view)


def test_without_a_terminal_nothing_is_written() -> None:
    file = io.StringIO()
    with LiveView(Console(file=file, force_terminal=False), seconds=1) as view:
        view.experiment("caching", ("naive",))
        view.started("naive")
        view.finished("naive", block(2.0))
    assert file.getvalue() == ""


def test_a_terminal_shows_the_view_and_clears_it_at_the_end() -> None:
    file = io.StringIO()
    with LiveView(Console(file=file, force_terminal=True, width=80), seconds=1) as view:
        view.experiment("caching", ("naive",))
        view.finished("naive", block(2.0))
    assert "caching" in file.getvalue()
    assert file.getvalue().rstrip("\r\n").endswith("\x1b[2K")
