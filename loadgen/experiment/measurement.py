"""Measure one subject: compare the responses, warm up, run interleaved blocks, store the evidence.

The result holds evidence only. `loadgen.judging` computes every figure from the evidence later.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import fields
from random import Random
from time import process_time
from typing import Protocol

from loadgen.evidence.block_record import Record
from loadgen.evidence.bundle import Experiment
from loadgen.evidence.receipts import counters, growth, own_counters
from loadgen.experiment.equality import Difference, distinct_indices, first_difference
from loadgen.experiment.load_options import WARM_UP_SHARE, LoadOptions
from loadgen.experiment.plan import Block, interleaved
from loadgen.experiment.subject import Arm, Subject
from loadgen.sending.attack import LoadResult
from loadgen.sending.connection import Connection, RequestFailed, encode_request

#: Number of distinct inputs whose responses are compared before the first block.
COMPARED_INPUTS = 16
#: Number of further inputs whose responses are compared after each pair of blocks.
_COMPARED_PER_PAIR = 2
#: Interval between two looks at an arm's counters after a block. Unchanged counters mean that the
#: arm has finished its background work (queued log records, freed connections). Without this wait,
#: the next arm would share the processor with that work.
SETTLE_SECONDS = 0.05
_MAXIMUM_LOOKS = 60
#: All blocks of a pair start with the same input; the next pair starts this many inputs later.
_INPUTS_PER_PAIR = 61


class ProgressObserver(Protocol):
    """Receives the progress of a measurement."""

    def experiment(self, name: str, arms: tuple[str, ...]) -> None: ...
    def started(self, arm: str) -> None: ...
    def finished(self, arm: str, block: LoadResult) -> None: ...
    def passed(self, seconds: float) -> None: ...


async def measure(subject: Subject, options: LoadOptions, observer: ProgressObserver) -> Experiment:
    """Run the experiment. Raises RequestFailed if a server does not respond to the first requests.

    If responses differ, the experiment ends early and its evidence names the difference.
    """
    names = tuple(arm.name for arm in subject.arms)
    observer.experiment(subject.name, names)
    indices = distinct_indices(subject)
    difference = await _compare(subject, indices[:COMPARED_INPUTS], options)
    records: list[Record] = []
    if difference is None:
        await _warm_up(subject, options, observer)
        difference = await _run_blocks(subject, indices, options, observer, records)
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


async def _compare(subject: Subject, indices: list[int], options: LoadOptions) -> Difference | None:
    if subject.answers_may_differ:
        return None
    return await first_difference(subject, indices, options.timeout)


async def _warm_up(subject: Subject, options: LoadOptions, observer: ProgressObserver) -> None:
    seconds = options.block_seconds * WARM_UP_SHARE
    for arm in subject.arms:
        observer.started(arm.name)
        await options.attack(seconds).run(arm.address, arm.requests)
        await _settle(arm, options.timeout)
        observer.passed(seconds)


async def _run_blocks(
    subject: Subject,
    indices: list[int],
    options: LoadOptions,
    observer: ProgressObserver,
    records: list[Record],
) -> Difference | None:
    """Append a record per block. Stop after a pair whose responses differ."""
    arms = {arm.name: arm for arm in subject.arms}
    random = Random(f"{options.seed}/{subject.name}/plan")
    blocks = interleaved(tuple(arms), options.iterations, random)
    for number, block in enumerate(blocks, 1):
        observer.started(block.arm)
        records.append(await _run_block(arms[block.arm], block, options, observer))
        if number % len(arms) == 0:
            difference = await _compare(subject, _indices_of_pair(indices, block.pair), options)
            if difference is not None:
                return difference
    return None


def _indices_of_pair(indices: list[int], pair: int) -> list[int]:
    """Other inputs after each pair, starting with inputs that were not compared at the start."""
    first = COMPARED_INPUTS + pair * _COMPARED_PER_PAIR
    return [indices[(first + offset) % len(indices)] for offset in range(_COMPARED_PER_PAIR)]


async def _run_block(
    arm: Arm, block: Block, options: LoadOptions, observer: ProgressObserver
) -> Record:
    before = await _read_counters(arm, options.timeout, counters)
    started = process_time()
    result = await options.attack().run(arm.address, arm.requests, block.pair * _INPUTS_PER_PAIR)
    cpu_seconds = process_time() - started
    after = await _read_counters(arm, options.timeout, counters)
    await _settle(arm, options.timeout)
    observer.finished(arm.name, result)
    return Record(
        arm=block.arm,
        pair=block.pair,
        cpu_seconds=cpu_seconds,
        counters=growth(before, after) if before and after else {},
        **{field.name: getattr(result, field.name) for field in fields(result)},
    )


async def _settle(arm: Arm, timeout: float) -> None:
    """Wait until the variant's own counters stop changing, a few seconds at most.

    For an arm without counters the wait is `SETTLE_SECONDS`.
    """
    current: Mapping[str, float] = {}
    for _ in range(_MAXIMUM_LOOKS):
        await asyncio.sleep(SETTLE_SECONDS)
        previous, current = current, await _read_counters(arm, timeout, own_counters)
        if current == previous:
            break


async def _read_counters(
    arm: Arm, timeout: float, parse: Callable[[str, str], dict[str, float]]
) -> Mapping[str, float]:
    """The server's counters now, empty if the server does not show any."""
    try:
        return parse(await _read_metrics_page(arm, timeout), arm.variant)
    except ValueError:
        return {}


async def _read_metrics_page(arm: Arm, timeout: float) -> str:
    """The text of the arm's metrics page, empty if the page is missing or the request fails."""
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
