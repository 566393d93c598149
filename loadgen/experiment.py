"""One technique, measured: inputs, equality, warm-up, interleaved blocks, speed-up, verdict."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from loadgen.attack import Attack, Tally
from loadgen.connection import Address
from loadgen.equality import Difference, first_difference
from loadgen.estimate import Speedup, Verdict, quantile, speedup
from loadgen.plan import Block, interleaved
from loadgen.workload import Inputs, draw_inputs
from services.contract import Technique

VARIANTS = ("naive", "optimized")

#: More failed requests than this share of all make a run say nothing about speed.
MAXIMUM_ERROR_SHARE = 0.001
_WARM_UP_SHARE = 0.5
#: Between blocks, for what a variant has left behind: queued log records, freed connections.
_SETTLE_SECONDS = 0.05
#: Pairs share their inputs; from pair to pair the window moves on by this many.
_INPUTS_PER_PAIR = 61

Progress = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """`duration` is in seconds per block; there are two blocks per iteration."""

    iterations: int
    concurrency: int
    duration: float
    seed: int

    @property
    def steps(self) -> int:
        """How often a technique's run reports progress."""
        return len(VARIANTS) * (1 + self.iterations)


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """Over all blocks of a variant; latencies in milliseconds."""

    p50_ms: float
    p99_ms: float
    requests_per_second: float
    requests: int
    errors: int
    bytes_per_response: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one technique's run found; figures are absent where the answers differed."""

    technique: Technique
    difference: Difference | None
    figures: dict[str, VariantFigures]
    speedup: Speedup | None
    verdict: Verdict
    reason: str = ""


async def measure(
    technique: Technique, address: Address, settings: Settings, progress: Progress
) -> Outcome:
    """Raises RequestFailed when the service does not answer the first questions."""
    attack = Attack(settings.concurrency, settings.duration)
    inputs = await draw_inputs(technique, address, settings.seed, attack.timeout)
    difference = await first_difference(inputs, address, attack.timeout)
    if difference is not None:
        reason = f"the variants answer differently: {difference}"
        return Outcome(technique, difference, {}, None, Verdict.INVALID, reason)
    tallies = await _run_blocks(inputs, address, attack, settings, progress)
    return judge(technique, tallies, Random(f"{settings.seed}/{technique.name}/bootstrap"))


async def _run_blocks(
    inputs: Inputs, address: Address, attack: Attack, settings: Settings, progress: Progress
) -> list[tuple[Block, Tally]]:
    requests = {variant: inputs.encoded(address, variant) for variant in VARIANTS}
    warm_up = Attack(attack.concurrency, attack.duration * _WARM_UP_SHARE, attack.timeout)
    for variant in VARIANTS:
        await warm_up.run(address, requests[variant])
        progress()
    tallies = []
    order = Random(f"{settings.seed}/{inputs.technique.name}/plan")
    for block in interleaved(VARIANTS, settings.iterations, order):
        await asyncio.sleep(_SETTLE_SECONDS)
        first = block.pair * _INPUTS_PER_PAIR
        tallies.append((block, await attack.run(address, requests[block.variant], first)))
        progress()
    return tallies


def judge(technique: Technique, tallies: Sequence[tuple[Block, Tally]], random: Random) -> Outcome:
    """The verdict over finished blocks; the same blocks and random state give the same one."""
    by_variant = {
        variant: [tally for block, tally in tallies if block.variant == variant]
        for variant in VARIANTS
    }
    reason = _invalid_because(by_variant)
    if reason:
        return Outcome(technique, None, {}, None, Verdict.INVALID, reason)
    figures = {variant: _figures(by_variant[variant]) for variant in VARIANTS}
    ratios = _ratios(tallies)
    found = speedup(ratios, random)
    return Outcome(technique, None, figures, found, found.verdict)


def _invalid_because(by_variant: dict[str, list[Tally]]) -> str:
    for variant, blocks in by_variant.items():
        errors = sum(tally.errors for tally in blocks)
        answered = sum(len(tally.latencies) for tally in blocks)
        if errors > MAXIMUM_ERROR_SHARE * (answered + errors):
            first = next(tally.first_error for tally in blocks if tally.errors)
            return f"{errors} of {answered + errors} requests to {variant} failed, first: {first}"
        if not all(len(tally.latencies) for tally in blocks):
            return f"a block of {variant} had no answer"
    return ""


def _ratios(tallies: Sequence[tuple[Block, Tally]]) -> list[float]:
    """Per pair, the naive median latency over the optimized one."""
    medians: dict[tuple[int, str], float] = {
        (block.pair, block.variant): quantile(sorted(tally.latencies), 0.5)
        for block, tally in tallies
    }
    pairs = sorted({block.pair for block, _ in tallies})
    return [medians[pair, "naive"] / medians[pair, "optimized"] for pair in pairs]


def _figures(blocks: Sequence[Tally]) -> VariantFigures:
    latencies = sorted(latency for tally in blocks for latency in tally.latencies)
    return VariantFigures(
        p50_ms=quantile(latencies, 0.5) * 1e3,
        p99_ms=quantile(latencies, 0.99) * 1e3,
        requests_per_second=len(latencies) / sum(tally.seconds for tally in blocks),
        requests=len(latencies),
        errors=sum(tally.errors for tally in blocks),
        bytes_per_response=sum(tally.body_bytes for tally in blocks) / len(latencies),
    )
