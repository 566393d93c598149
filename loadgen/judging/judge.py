"""From a bundle to its judgement: figures, ratios with intervals, the self-audit, verdicts.

Pure: no clock, no randomness, no fact of the machine that judges. The same bundle gives the same
judgement, and the same bytes of JSON, on any day. The types and the verdict rule are in
`loadgen/judgement.py`, the interval in `estimate.py`, the self-audit in `audit.py`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from loadgen.evidence.block_record import Record, together, total
from loadgen.evidence.bundle import Bundle, Experiment, generators_of, sweep_step_name
from loadgen.evidence.receipts import receipts
from loadgen.judgement import (
    CONTROL,
    QUANTITIES,
    Check,
    Comparison,
    ExperimentJudgement,
    Figures,
    Judgement,
    Median,
    Quantity,
    Ratio,
    Ratios,
    SweepJudgement,
    SweepPoint,
    Verdict,
    break_even,
    break_even_note,
    verdict_from,
)
from loadgen.judging.audit import Finding, audit
from loadgen.judging.estimate import MINIMUM_PAIRS, speedup

_MILLISECONDS = 1e3
#: Significant digits of a judgement's numbers. Enough for any reader, and few enough to hide the
#: last bit of a logarithm, which differs between processors.
_DIGITS = 9
_SHARES: Mapping[Quantity, float] = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def judge(bundle: Bundle) -> Judgement:
    generators = generators_of(bundle.settings)
    return Judgement(
        measured_at=bundle.measured_at,
        git_revision=bundle.git_revision,
        machine=dict(sorted(bundle.machine.items())),
        settings=dict(sorted(bundle.settings.items())),
        experiments={each.name: _judged(each, generators) for each in bundle.experiments},
    )


def judge_sweep(bundle: Bundle, judgement: Judgement) -> dict[str, SweepJudgement] | None:
    """The bundle's sweep by the name of its technique; None if the bundle is no sweep.

    `judgement` is that of the bundle. It has an experiment for each value of the sweep.
    """
    sweep = bundle.settings.get("sweep")
    if sweep is None:
        return None
    technique, parameter = sweep["technique"], sweep["parameter"]
    measured = {
        value: judgement.experiments[sweep_step_name(technique, parameter, value)]
        for value in sorted(sweep["values"])
    }
    return {technique: sweep_judgement(parameter, sweep["description"], measured)}


def sweep_judgement(
    parameter: str, description: str, measured: Mapping[int, ExperimentJudgement]
) -> SweepJudgement:
    """The curve of the experiments, which are given by value in ascending order.

    The ratio of each point is that of the first candidate.
    """
    compared = (name for each in measured.values() for name in each.comparisons)
    candidate = next(compared, "")
    points = tuple(_sweep_point(value, each, candidate) for value, each in measured.items())
    return SweepJudgement(
        parameter=parameter,
        description=description,
        candidate=candidate,
        points=points,
        break_even=break_even(points),
        note=break_even_note(points),
    )


def _sweep_point(value: int, experiment: ExperimentJudgement, candidate: str) -> SweepPoint:
    return SweepPoint(
        value=value,
        arms={name: Median(arm.p50_ms) for name, arm in experiment.arms.items()},
        ratio=experiment.ratio(candidate, "p50"),
        verdict=experiment.verdict_of(candidate),
        reason=experiment.reason,
    )


def _judged(experiment: Experiment, generators: int) -> ExperimentJudgement:
    findings = audit(experiment, generators)
    reason = _invalid_because(experiment, findings)
    floor = _ratios(experiment, CONTROL) if CONTROL in experiment.arms and not reason else None
    candidates = () if reason else experiment.candidates
    comparisons = {arm: _comparison(experiment, arm, floor) for arm in candidates}
    return _rounded(
        ExperimentJudgement(
            title=experiment.title,
            workload=experiment.workload,
            baseline=experiment.baseline,
            answers_equal=experiment.answers_equal,
            difference=experiment.difference,
            arms=_figures_by_arm(experiment),
            comparisons=comparisons,
            noise_floor=floor,
            audit=tuple(_check(finding) for finding in findings),
            verdict=Verdict.INVALID if reason else _first_verdict(comparisons),
            reason=reason,
        )
    )


def _first_verdict(comparisons: Mapping[str, Comparison]) -> Verdict:
    """The verdict on an experiment is that on its first candidate."""
    verdicts = (comparison.verdict for comparison in comparisons.values())
    return next(verdicts, Verdict.NO_DIFFERENCE_SHOWN)


def _invalid_because(experiment: Experiment, findings: tuple[Finding, ...]) -> str:
    """One line, empty if the experiment is valid."""
    if not experiment.answers_equal:
        return f"the arms answer differently: {experiment.difference or 'no details were recorded'}"
    if not experiment.records:
        return "nothing was measured"
    failed = [finding.reason for finding in findings if not finding.ok]
    return "; ".join(failed) or _incomplete_because(experiment)


def _incomplete_because(experiment: Experiment) -> str:
    silent = next((each.arm for each in experiment.records if not each.answered), None)
    if silent is not None:
        return f"a block of {silent} had no answer"
    pairs = len(_pairs(experiment))
    if pairs < MINIMUM_PAIRS:
        return f"an interval needs at least {MINIMUM_PAIRS} pairs of blocks, and there are {pairs}"
    return ""


def _pairs(experiment: Experiment) -> list[dict[str, Record]]:
    """The blocks of each pair by arm, without a pair that the end of the run cut short."""
    pairs: dict[int, dict[str, Record]] = {}
    for record in experiment.records:
        pairs.setdefault(record.pair, {})[record.arm] = record
    complete = set(experiment.arms)
    return [blocks for _, blocks in sorted(pairs.items()) if blocks.keys() == complete]


def _figures_by_arm(experiment: Experiment) -> dict[str, Figures]:
    """The figures of the arms that answered."""
    answered = {record.arm for record in experiment.records if record.answered}
    return {arm: _figures(experiment.of(arm)) for arm in experiment.arms if arm in answered}


def _figures(records: list[Record]) -> Figures:
    latencies = together(*(record.latencies for record in records))
    answered = sum(record.answered for record in records)
    grown = total(*(record.counters for record in records))
    p50, p95, p99 = (latencies.quantile(share) * _MILLISECONDS for share in _SHARES.values())
    return Figures(
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        mean_ms=latencies.mean * _MILLISECONDS,
        requests_per_second=answered / sum(record.seconds for record in records),
        requests=answered,
        errors=sum(record.errors for record in records),
        bytes_per_response=sum(record.body_bytes for record in records) / answered,
        receipts=receipts(grown, answered),
    )


def score(record: Record, quantity: Quantity) -> float:
    """The number by which blocks are compared; more is better.

    For a latency: how many requests with that latency fit into a second, one after the other.
    """
    if quantity == "throughput":
        return record.requests_per_second
    return 1 / record.latencies.quantile(_SHARES[quantity])


def pair_ratios(experiment: Experiment, arm: str, quantity: Quantity) -> list[float]:
    """The arm's score over the baseline's in each pair; above 1 the arm is better."""
    return [
        score(blocks[arm], quantity) / score(blocks[experiment.baseline], quantity)
        for blocks in _pairs(experiment)
    ]


def _speedups(experiment: Experiment, arm: str) -> dict[str, Ratio]:
    return {name: speedup(pair_ratios(experiment, arm, name)) for name in QUANTITIES}


def _ratios(experiment: Experiment, arm: str) -> Ratios:
    return Ratios(**_speedups(experiment, arm))


def _comparison(experiment: Experiment, arm: str, floor: Ratios | None) -> Comparison:
    """The verdict is that of the median: of all quantities it has the least noise."""
    ratios = _speedups(experiment, arm)
    return Comparison(**ratios, verdict=verdict_from(ratios["p50"], floor.p50 if floor else None))


def _check(finding: Finding) -> Check:
    return Check(finding.check, finding.value, finding.limit, finding.ok)


def _rounded(experiment: ExperimentJudgement) -> ExperimentJudgement:
    return msgspec.convert(_with_digits(msgspec.to_builtins(experiment)), ExperimentJudgement)


def _with_digits(value: Any) -> Any:
    match value:
        case float():
            return float(f"{value:.{_DIGITS}g}")
        case dict():
            return {name: _with_digits(each) for name, each in value.items()}
        case list() | tuple():
            return [_with_digits(each) for each in value]
    return value
