"""One experiment: equality, warm-up, interleaved blocks, and what each of them left behind.

What comes out is evidence alone, without a figure: those are computed when it is judged.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from random import Random
from time import process_time
from typing import Any, Protocol

from loadgen.evidence.block_record import Record
from loadgen.evidence.bundle import Experiment
from loadgen.evidence.receipts import counters, growth, own_counters
from loadgen.experiment.arms import Arm, Subject
from loadgen.experiment.equality import Difference, distinct, first_difference
from loadgen.experiment.plan import Block, interleaved
from loadgen.sending.attack import Attack, ClosedLoop, OpenLoop, Tally
from loadgen.sending.connection import Connection, RequestFailed, encode_request
from loadgen.sending.link import Link
from loadgen.sending.pacer import Stage

#: So many different inputs are compared before anything is measured, and so many after each pair.
SAMPLE = 16
_SAMPLE_PER_PAIR = 2
_WARM_UP_SHARE = 0.5
#: After a block, for what an arm has left behind: queued log records, freed connections. Its
#: counters have to stand still for so long, or the next arm would pay for it.
SETTLE_SECONDS = 0.05
_MOST_LOOKS = 60
#: Pairs share their inputs; from pair to pair the window moves on by this many.
_INPUTS_PER_PAIR = 61


@dataclass(frozen=True, slots=True)
class Settings:
    """How every experiment of a run is loaded: in an open loop where there is a rate.

    `duration` is in seconds per block, `rate` in requests/s, `link` in bits/s, latency in seconds.
    """

    iterations: int
    concurrency: int
    duration: float
    seed: int
    rate: float | None = None
    arrivals: str = "constant"
    stages: tuple[Stage, ...] = ()
    link: float | None = None
    link_latency: float = 0.0
    timeout: float = 30.0

    def attack(self, duration: float | None = None) -> Attack:
        """For a whole block, or for so many seconds. Raises ValueError when that is no load."""
        load = self._load()
        link = Link(self.link, self.link_latency) if self.link else None
        if self.stages and duration is None:
            return Attack.staged(load, self.stages, self.timeout, link)
        return Attack(load, duration or self.block_seconds, self.timeout, link)

    @property
    def block_seconds(self) -> float:
        return sum(stage.seconds for stage in self.stages) or self.duration

    def seconds(self, arms: int) -> float:
        """How long the blocks of an experiment take, warm-ups included."""
        return arms * self.block_seconds * (self.iterations + _WARM_UP_SHARE)

    def as_document(self) -> dict[str, Any]:
        """What a bundle keeps: all that was asked for, and nothing that was not."""
        kept = {field.name: getattr(self, field.name) for field in fields(self)}
        kept["stages"] = [asdict(stage) for stage in self.stages]
        return {name: value for name, value in kept.items() if value not in (None, [])}

    def _load(self) -> ClosedLoop | OpenLoop:
        if self.rate is None:
            return ClosedLoop(self.concurrency)
        return OpenLoop(self.rate, self.arrivals, self.seed)  # type: ignore[arg-type]


class Watcher(Protocol):
    """Who is told while it goes on."""

    def experiment(self, name: str, arms: tuple[str, ...]) -> None: ...
    def started(self, arm: str) -> None: ...
    def finished(self, arm: str, block: Tally) -> None: ...
    def passed(self, seconds: float) -> None: ...


async def conduct(subject: Subject, settings: Settings, watcher: Watcher) -> Experiment:
    """Raises RequestFailed when a server does not answer the first questions."""
    names = tuple(arm.name for arm in subject.arms)
    watcher.experiment(subject.name, names)
    asked = distinct(subject)
    difference = await _gate(subject, asked[:SAMPLE], settings)
    records: list[Record] = []
    if difference is None:
        await _warm_up(subject, settings, watcher)
        difference = await _blocks(subject, asked, settings, watcher, records)
    return Experiment(
        name=subject.name,
        title=subject.title,
        workload=subject.workload,
        arms=names,
        baseline=subject.baseline.name,
        answers_equal=difference is None,
        difference=None if difference is None else str(difference),
        records=tuple(records),
    )


async def _gate(subject: Subject, numbers: list[int], settings: Settings) -> Difference | None:
    if subject.answers_may_differ:
        return None
    return await first_difference(subject, numbers, settings.timeout)


async def _warm_up(subject: Subject, settings: Settings, watcher: Watcher) -> None:
    seconds = settings.block_seconds * _WARM_UP_SHARE
    for arm in subject.arms:
        watcher.started(arm.name)
        await settings.attack(seconds).run(arm.address, arm.requests)
        await _come_to_rest(arm, settings.timeout)
        watcher.passed(seconds)


async def _blocks(
    subject: Subject,
    asked: list[int],
    settings: Settings,
    watcher: Watcher,
    records: list[Record],
) -> Difference | None:
    """Adds to the records, until all are there or the arms answer differently."""
    arms = {arm.name: arm for arm in subject.arms}
    order = Random(f"{settings.seed}/{subject.name}/plan")
    blocks = interleaved(tuple(arms), settings.iterations, order)
    for number, block in enumerate(blocks, 1):
        watcher.started(block.arm)
        records.append(await _block(arms[block.arm], block, settings, watcher))
        if number % len(arms) == 0:
            difference = await _gate(subject, _window(asked, block.pair), settings)
            if difference is not None:
                return difference
    return None


def _window(asked: list[int], pair: int) -> list[int]:
    """Other inputs after each pair, those first that were not compared at the beginning."""
    first = SAMPLE + pair * _SAMPLE_PER_PAIR
    return [asked[(first + offset) % len(asked)] for offset in range(_SAMPLE_PER_PAIR)]


async def _block(arm: Arm, block: Block, settings: Settings, watcher: Watcher) -> Record:
    before = await _counted(arm, settings.timeout)
    started = process_time()
    tally = await settings.attack().run(arm.address, arm.requests, block.pair * _INPUTS_PER_PAIR)
    cpu_seconds = process_time() - started
    after = await _counted(arm, settings.timeout)
    await _come_to_rest(arm, settings.timeout)
    watcher.finished(arm.name, tally)
    return Record(
        arm=block.arm,
        pair=block.pair,
        cpu_seconds=cpu_seconds,
        counters=growth(before, after) if before and after else {},
        **{field.name: getattr(tally, field.name) for field in fields(tally)},
    )


async def _come_to_rest(arm: Arm, timeout: float) -> None:
    """Returns once the variant's own counters stand still, after a few seconds at the latest.

    Where there are none it waits a moment.
    """
    counted: Mapping[str, float] = {}
    for _ in range(_MOST_LOOKS):
        await asyncio.sleep(SETTLE_SECONDS)
        earlier, counted = counted, await _read(arm, timeout, own_counters)
        if counted == earlier:
            break


async def _counted(arm: Arm, timeout: float) -> Mapping[str, float]:
    """The server's counters now; empty where it has no page of them."""
    return await _read(arm, timeout, counters)


async def _read(
    arm: Arm, timeout: float, counts: Callable[[str, str], dict[str, float]]
) -> Mapping[str, float]:
    try:
        return counts(await _metrics_page(arm, timeout), arm.variant)
    except ValueError:
        return {}


async def _metrics_page(arm: Arm, timeout: float) -> str:
    """What the server tells of itself; nothing where it has no such page, or does not answer."""
    if arm.metrics is None:
        return ""
    page = arm.metrics
    connection = Connection(page.address, timeout, keep_body=True)
    try:
        response = await connection.request(encode_request(page.address, page.path, {}))
    except (RequestFailed, ValueError):
        return ""
    finally:
        connection.close()
    return response.body.decode("utf-8", "replace") if response.status == 200 else ""
