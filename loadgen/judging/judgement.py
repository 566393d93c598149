"""From a bundle to what may be said of it: figures, ratios with intervals, audit, verdict.

Pure: no clock, no chance, no fact of the machine that judges. The same bundle gives the same
judgement, and its document the same bytes, on any day.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from loadgen.evidence.bundle import Bundle, Experiment, generators_of
from loadgen.evidence.receipts import receipts
from loadgen.evidence.record import Record, together, total
from loadgen.experiment.plan import CONTROL
from loadgen.judging.audit import Finding, audit
from loadgen.judging.estimate import MINIMUM_PAIRS, Speedup, Verdict, speedup

#: A smaller difference is nobody's reason to change a program, and less than what two builds of the
#: same one may differ by.
MINIMUM_EFFECT = 0.02
_MILLISECONDS = 1e3
#: A document's numbers have so many digits: enough for any reader, and few enough that no other
#: processor's last bit of a logarithm shows.
_DIGITS = 9


def _per_second(share: float) -> Callable[[Record], float]:
    """How many requests as slow as this quantile fit into a second, one after the other."""
    return lambda record: 1 / record.latencies.quantile(share)


#: What arms are compared by, turned so that more is better.
QUANTITIES: Mapping[str, Callable[[Record], float]] = {
    "p50": _per_second(0.5),
    "p95": _per_second(0.95),
    "p99": _per_second(0.99),
    "throughput": lambda record: record.requests_per_second,
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Over all blocks of an arm; latencies in milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    mean_ms: float
    requests_per_second: float
    requests: int
    errors: int
    bytes_per_response: float
    receipts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """An arm against the baseline. Above 1 is better: less time, more throughput."""

    p50: Speedup
    p95: Speedup
    p99: Speedup
    throughput: Speedup

    def verdict(self, floor: "Comparison | None") -> Verdict:
        """By the median: of all of these it is told with the least noise.

        A difference is one where the whole interval lies beyond MINIMUM_EFFECT, and beyond the
        interval of the control, which cannot differ.
        """
        noise = floor.p50 if floor else Speedup(1.0, 1.0, 1.0)
        if self.p50.low > max(1 + MINIMUM_EFFECT, noise.high):
            return Verdict.FASTER
        if self.p50.high < min(1 / (1 + MINIMUM_EFFECT), noise.low):
            return Verdict.SLOWER
        return Verdict.NO_DIFFERENCE_SHOWN


@dataclass(frozen=True, slots=True)
class Judged:
    """One experiment. Figures are of the arms that answered; an invalid one has no comparisons."""

    experiment: Experiment
    arms: Mapping[str, Figures]
    comparisons: Mapping[str, Comparison]
    noise_floor: Comparison | None
    audit: tuple[Finding, ...]
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """All experiments of a bundle, in their order."""

    bundle: Bundle
    experiments: tuple[Judged, ...]


def judge(bundle: Bundle) -> Judgement:
    generators = generators_of(bundle.settings)
    return Judgement(bundle, tuple(_judged(each, generators) for each in bundle.experiments))


def _judged(experiment: Experiment, generators: int) -> Judged:
    findings = audit(experiment, generators)
    answered = {record.arm for record in experiment.records if record.answered}
    figures = {arm: _figures(experiment.of(arm)) for arm in experiment.arms if arm in answered}
    reason = _invalid_because(experiment, findings)
    if reason:
        return Judged(experiment, figures, {}, None, findings, Verdict.INVALID, reason)
    compared = {arm: _comparison(experiment, arm) for arm in experiment.candidates}
    floor = _comparison(experiment, CONTROL) if CONTROL in experiment.arms else None
    verdicts = [each.verdict(floor) for each in compared.values()]
    verdict = verdicts[0] if verdicts else Verdict.NO_DIFFERENCE_SHOWN
    return Judged(experiment, figures, compared, floor, findings, verdict)


def _invalid_because(experiment: Experiment, findings: tuple[Finding, ...]) -> str:
    """One line, empty where the experiment is valid."""
    if not experiment.answers_equal:
        return f"the arms answer differently: {experiment.difference or 'nobody noted how'}"
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
    """The blocks of each pair by arm; a pair that the end of the run cut short is left out."""
    pairs: dict[int, dict[str, Record]] = {}
    for record in experiment.records:
        pairs.setdefault(record.pair, {})[record.arm] = record
    complete = set(experiment.arms)
    return [blocks for _, blocks in sorted(pairs.items()) if blocks.keys() == complete]


def _figures(records: list[Record]) -> Figures:
    latencies = together(*(record.latencies for record in records))
    answered = sum(record.answered for record in records)
    grown = total(*(record.counters for record in records))
    p50, p95, p99 = (latencies.quantile(share) * _MILLISECONDS for share in (0.5, 0.95, 0.99))
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


def pair_ratios(experiment: Experiment, arm: str, quantity: str) -> list[float]:
    """The arm against the baseline in each pair; above 1 the arm is better."""
    better = QUANTITIES[quantity]
    pairs = _pairs(experiment)
    return [better(each[arm]) / better(each[experiment.baseline]) for each in pairs]


def _comparison(experiment: Experiment, arm: str) -> Comparison:
    return Comparison(**{name: speedup(pair_ratios(experiment, arm, name)) for name in QUANTITIES})


# As JSON


def document(judgement: Judgement) -> dict[str, Any]:
    """The judgement as JSON has it, experiments by name."""
    bundle = judgement.bundle
    return {
        "measured_at": bundle.measured_at,
        "git_revision": bundle.git_revision,
        "machine": dict(sorted(bundle.machine.items())),
        "settings": dict(sorted(bundle.settings.items())),
        "experiments": {each.experiment.name: _entry(each) for each in judgement.experiments},
    }


def _entry(judged: Judged) -> dict[str, Any]:
    experiment = judged.experiment
    entry = {
        name: getattr(experiment, name)
        for name in ("title", "workload", "baseline", "answers_equal", "difference")
    }
    floor = judged.noise_floor
    computed: dict[str, Any] = rounded(
        {
            "arms": {arm: asdict(figures) for arm, figures in judged.arms.items()},
            "comparisons": {
                arm: asdict(each) | {"verdict": each.verdict(floor).value}
                for arm, each in judged.comparisons.items()
            },
            "noise_floor": asdict(floor) if floor else None,
            "audit": [_finding(finding) for finding in judged.audit],
            "verdict": judged.verdict.value,
            "reason": judged.reason,
        }
    )
    return entry | computed


def _finding(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in ("check", "value", "limit", "ok")}


def rounded(value: Any) -> Any:
    """A document with all its numbers to so many digits."""
    match value:
        case float():
            return float(f"{value:.{_DIGITS}g}")
        case dict():
            return {name: rounded(each) for name, each in value.items()}
        case list():
            return [rounded(each) for each in value]
    return value
