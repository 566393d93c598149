"""Sentences about a judgement, the same in every report."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from loadgen.judgement import (
    ExperimentJudgement,
    Judgement,
    Ratio,
    SweepJudgement,
    Verdict,
)
from loadgen.report.notation import amount, interval, number, printable

#: A receipt that differs by a smaller factor explains no ratio.
_MINIMUM_SPREAD = 1.1


def tally(judgement: Judgement) -> str:
    """The number of experiments by verdict: "7 experiments: 6 faster, 1 slower"."""
    verdicts = Counter(each.verdict for each in judgement.experiments.values())
    total = sum(verdicts.values())
    parts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    return f"{total} experiment{'' if total == 1 else 's'}{': ' if parts else ''}{parts}"


def claims(experiment: ExperimentJudgement) -> list[str]:
    """A sentence for each candidate, or one sentence why there is no verdict."""
    if experiment.is_invalid or not experiment.comparisons:
        return [refusal(experiment)]
    return [claim(experiment, arm) for arm in experiment.candidates]


def refusal(experiment: ExperimentJudgement) -> str:
    reason = experiment.reason or experiment.difference or "nothing was measured"
    return f"no verdict: {printable(reason)}"


def unreported_difference(experiment: ExperimentJudgement) -> str:
    """How the answers differ; empty if `refusal` says so already."""
    difference, reason = experiment.difference or "", experiment.reason
    return "" if not reason or difference in reason else printable(difference)


def claim(experiment: ExperimentJudgement, arm: str) -> str:
    """Median, interval and noise floor: "optimized is 2.61× faster at the median; …"."""
    ratio = experiment.ratio(arm, "p50")
    if ratio is None:
        return f"{printable(arm)}: not compared"
    parts = [_finding(experiment, arm, ratio), f"95 % interval {interval(ratio)}"]
    floor = experiment.noise("p50")
    if floor is not None:
        parts.append(f"noise floor {interval(floor)}")
    return "; ".join(parts)


def _finding(experiment: ExperimentJudgement, arm: str, ratio: Ratio) -> str:
    verdict, name = experiment.verdict_of(arm), printable(arm)
    if verdict is Verdict.FASTER:
        return f"{name} is {number(ratio.estimate)}× faster at the median"
    if verdict is Verdict.SLOWER:
        factor = number(1 / ratio.estimate)
        return f"{name} is {factor}× slower at the median: a speed-up of {number(ratio.estimate)}×"
    baseline = printable(experiment.baseline)
    return f"{name} and {baseline}: {verdict} at the median, {number(ratio.estimate)}×"


def explanation(experiment: ExperimentJudgement, most: int = 4) -> str:
    """The receipts with the largest differences first: "statements per request 51 → 2"."""
    arms = [experiment.baseline, *experiment.candidates]
    known = {
        name: {arm: values[arm] for arm in arms if arm in values}
        for name, values in receipts(experiment).items()
    }
    different = [name for name, values in known.items() if _spread(values) > _MINIMUM_SPREAD]
    different.sort(key=lambda name: -_spread(known[name]))
    return "; ".join(f"{receipt_name(name)} {_by_arm(known[name])}" for name in different[:most])


def _spread(values: Mapping[str, float]) -> float:
    """The largest value over the smallest; infinite if the smallest is zero."""
    if len(values) < 2 or max(values.values()) <= 0:
        return 1.0
    smallest = min(values.values())
    return max(values.values()) / smallest if smallest > 0 else math.inf


def _by_arm(values: Mapping[str, float]) -> str:
    if len(values) == 2:
        return " → ".join(amount(value) for value in values.values())
    return ", ".join(f"{printable(arm)} {amount(value)}" for arm, value in values.items())


def receipts(experiment: ExperimentJudgement) -> dict[str, dict[str, float]]:
    """The receipts by name, then by arm."""
    by_name: dict[str, dict[str, float]] = {}
    for arm, figures in experiment.arms.items():
        for name, value in figures.receipts.items():
            by_name.setdefault(name, {})[arm] = value
    return by_name


def receipt_name(name: str) -> str:
    return printable(name.replace("_", " "))


def break_even_sentence(sweep: SweepJudgement) -> str:
    """Where the ratio of a sweep crosses 1: "Breaks even at rows ≈ 12 (9–15)."."""
    parameter, place = printable(sweep.parameter), sweep.break_even
    if place is not None:
        low, high = amount(place.low), amount(place.high)
        return f"Breaks even at {parameter} ≈ {amount(place.estimate)} ({low}–{high})."
    return f"Break-even over {parameter}: {printable(sweep.note or 'none in range')}."


def provenance(judgement: Judgement) -> str:
    """When, where and how it was measured: one sentence without a full stop."""
    place = f"Measured {printable(judgement.measured_at[:10])}{_machine(judgement.machine)}"
    settings = _settings(judgement.settings)
    return f"{place}: {settings}" if settings else place


def _machine(machine: Mapping[str, Any]) -> str:
    words = {"memory_gib": "{} GiB", "system": "{}", "python": "Python {}"}
    facts = _known(machine, words)
    processor = printable(str(machine.get("processor", "an unknown processor")))
    cores = f"{machine['cores']} cores of " if machine.get("cores") else ""
    return f" on {cores}{processor}{', ' if facts else ''}{facts}"


def _settings(settings: Mapping[str, Any]) -> str:
    duration, rate = settings.get("duration"), settings.get("rate")
    words = {
        "iterations": "{} pairs of blocks" + (f" of {duration:g} s" if duration else ""),
        # The load of an open loop is its rate; the number of clients does not matter there.
        **({"rate": "{} requests/s"} if rate else {"concurrency": "{} clients"}),
        "seed": "seed {}",
    }
    return _known(settings, words)


def _known(facts: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """The facts that are known; the bundle of another generator may have fewer."""
    known = [key for key in words if facts.get(key) is not None]
    return ", ".join(words[key].format(printable(str(facts[key]))) for key in known)
