"""What a judgement says, in words: the same ones in every report."""

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
from loadgen.report.figures import amount, interval, number, printable

#: A receipt that changes by less explains nothing.
_EXPLAINS = 1.1


def tally(document: Judgement) -> str:
    """How many experiments came out in which way: "7 experiments: 6 faster, 1 slower"."""
    verdicts = Counter(each.verdict for each in document.experiments.values())
    total = sum(verdicts.values())
    parts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    return f"{total} experiment{'' if total == 1 else 's'}{': ' if parts else ''}{parts}"


def claims(experiment: ExperimentJudgement) -> list[str]:
    """A sentence for each candidate, or why there is none."""
    if experiment.is_invalid or not experiment.comparisons:
        return [refusal(experiment)]
    return [claim(experiment, arm) for arm in experiment.candidates]


def refusal(experiment: ExperimentJudgement) -> str:
    reason = experiment.reason or experiment.difference or "nothing was measured"
    return f"no verdict: {printable(reason)}"


def unsaid(experiment: ExperimentJudgement) -> str:
    """How the answers differ, where the reason does not say so already."""
    difference = experiment.difference or ""
    return "" if difference in experiment.reason else printable(difference)


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
    """The receipts that differ most, widest first: "statements per request 51 → 2"."""
    arms = [experiment.baseline, *experiment.candidates]
    known = {
        name: {arm: values[arm] for arm in arms if arm in values}
        for name, values in receipts(experiment).items()
    }
    telling = [name for name, values in known.items() if _spread(values) > _EXPLAINS]
    telling.sort(key=lambda name: -_spread(known[name]))
    return "; ".join(f"{receipt_name(name)} {_told_by(known[name])}" for name in telling[:most])


def _spread(values: Mapping[str, float]) -> float:
    """The largest over the smallest; what only one arm has is the widest of all."""
    if len(values) < 2 or max(values.values()) <= 0:
        return 1.0
    smallest = min(values.values())
    return max(values.values()) / smallest if smallest > 0 else math.inf


def _told_by(values: Mapping[str, float]) -> str:
    if len(values) == 2:
        return " → ".join(amount(value) for value in values.values())
    return ", ".join(f"{printable(arm)} {amount(value)}" for arm, value in values.items())


def receipts(experiment: ExperimentJudgement) -> dict[str, dict[str, float]]:
    """By receipt, then by arm."""
    found: dict[str, dict[str, float]] = {}
    for arm, figures in experiment.arms.items():
        for name, value in figures.receipts.items():
            found.setdefault(name, {})[arm] = value
    return found


def receipt_name(name: str) -> str:
    return printable(name.replace("_", " "))


def break_even_sentence(sweep: SweepJudgement) -> str:
    """Where a sweep's ratio crosses 1: "Breaks even at rows ≈ 12 (9–15)."."""
    parameter, place = printable(sweep.parameter), sweep.break_even
    if place is not None:
        low, high = amount(place.low), amount(place.high)
        return f"Breaks even at {parameter} ≈ {amount(place.estimate)} ({low}–{high})."
    return f"Break-even over {parameter}: {printable(sweep.note or 'none in range')}."


def provenance(document: Judgement) -> str:
    """When, where and how, in one sentence without its end."""
    parts = [f"Measured {printable(document.measured_at[:10])}{where(document.machine)}"]
    if told := how(document.settings):
        parts.append(told)
    return ": ".join(parts)


def where(machine: Mapping[str, Any]) -> str:
    words = {"memory_gib": "{} GiB", "system": "{}", "python": "Python {}"}
    told = _told(machine, words)
    processor = printable(str(machine.get("processor", "an unknown processor")))
    cores = f"{machine['cores']} cores of " if machine.get("cores") else ""
    return f" on {cores}{processor}{', ' if told else ''}{told}"


def how(settings: Mapping[str, Any]) -> str:
    duration, rate = settings.get("duration"), settings.get("rate")
    words = {
        "iterations": "{} pairs of blocks" + (f" of {duration:g} s" if duration else ""),
        # In an open loop it is the rate that counts, whatever else is set.
        **({"rate": "{} requests/s"} if rate else {"concurrency": "{} clients"}),
        "seed": "seed {}",
    }
    return _told(settings, words)


def _told(facts: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """Only what is known: another generator's bundle may say less."""
    known = [key for key in words if facts.get(key) is not None]
    return ", ".join(words[key].format(printable(str(facts[key]))) for key in known)
