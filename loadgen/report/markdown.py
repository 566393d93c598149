"""The judgement as Markdown, for a pull request or a wiki."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from loadgen.judgement import (
    ExperimentJudgement,
    Judgement,
    SweepJudgement,
    SweepJudgements,
    sweeps_without_experiment,
)
from loadgen.report.candidate_rows import before_and_after, candidate_rows, median_at
from loadgen.report.notation import (
    NOTHING,
    amount,
    noise_reach,
    number,
    printable,
    ratio_with_interval,
)
from loadgen.report.sentences import (
    break_even_sentence,
    claims,
    provenance,
    receipt_name,
    receipts,
    tally,
    unreported_difference,
)

#: Characters with a meaning in Markdown, or in HTML inside Markdown.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")


def markdown_report(judgement: Judgement, sweeps: SweepJudgements | None = None) -> str:
    """An overview, and a section for each experiment."""
    blocks = [
        "# Load test report",
        f"{literal(tally(judgement))}.",
        f"{literal(provenance(judgement))}.",
        _overview(judgement),
    ]
    for name, sweep in sweeps_without_experiment(judgement, sweeps or {}).items():
        blocks.append(f"{literal(name)}: {literal(break_even_sentence(sweep))}")
    for name, experiment in judgement.experiments.items():
        blocks += _section(name, experiment, (sweeps or {}).get(name))
    return "\n\n".join(blocks) + "\n"


def literal(text: str) -> str:
    """The text with all special characters escaped."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def table(head: Sequence[str], body: Iterable[Sequence[str]], words: Collection[str] = ()) -> str:
    """A table. The first column and the columns named in `words` are text, the others numbers."""
    text = (head[0], *words)
    rule = ["---" if name in text else "---:" for name in head]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *body))


def points_table(sweep: SweepJudgement) -> str:
    """A table of a sweep's points: medians, ratio and verdict at each value."""
    candidate = sweep.candidate
    head = (sweep.parameter, "naive p50 ms", f"{candidate} p50 ms", "speed-up", "verdict")
    body = [
        [
            amount(point.value),
            *(median_at(point, arm) for arm in ("naive", candidate)),
            ratio_with_interval(point.ratio),
            literal(point.reason or point.verdict),
        ]
        for point in sweep.points
    ]
    return table(tuple(map(literal, head)), body, words=("verdict",))


def _overview(judgement: Judgement) -> str:
    head = ("experiment", "p50 ms", "p99 ms", "requests/s", "speed-up (95 %)", "noise", "verdict")
    body = [
        [
            literal(f"{name}{suffix}"),
            *before_and_after(experiment, arm, " → "),
            ratio_with_interval(experiment.ratio(arm, "p50")),
            noise_reach(experiment.noise("p50")),
            experiment.verdict_of(arm),
        ]
        for name, experiment in judgement.experiments.items()
        for arm, suffix in candidate_rows(experiment)
    ]
    return table(head, body, words=("verdict",))


def _section(
    name: str, experiment: ExperimentJudgement, sweep: SweepJudgement | None
) -> Iterator[str]:
    yield f"## {literal(experiment.title or name)}"
    first, *others = claims(experiment)
    yield f"**{literal(first)}.**"
    yield from (f"{literal(claim)}." for claim in others)
    difference = unreported_difference(experiment)
    if difference:
        yield literal(difference)
    yield literal(experiment.workload)
    if experiment.arms:
        yield _figures(experiment)
    if receipts(experiment):
        yield _receipts(experiment)
    if sweep is not None:
        yield literal(break_even_sentence(sweep))
        yield points_table(sweep)
    if experiment.audit:
        yield _audit(experiment)


def _figures(experiment: ExperimentJudgement) -> str:
    head = (
        "arm",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "requests/s",
        "errors",
        "speed-up",
        "of the p99",
    )
    arms = experiment.arms
    body = [
        [
            literal(arm),
            number(arms[arm].p50_ms),
            number(arms[arm].p95_ms),
            number(arms[arm].p99_ms),
            number(arms[arm].requests_per_second),
            f"{arms[arm].errors:,}",
            ratio_with_interval(experiment.ratio(arm, "p50")),
            ratio_with_interval(experiment.ratio(arm, "p99")),
        ]
        for arm in experiment.arms_in_order
    ]
    return table(head, body)


def _receipts(experiment: ExperimentJudgement) -> str:
    arms = experiment.arms_in_order
    body = [
        [
            literal(receipt_name(name)),
            *(amount(values[arm]) if arm in values else NOTHING for arm in arms),
        ]
        for name, values in receipts(experiment).items()
    ]
    return table(("what explains it", *map(literal, arms)), body)


def _audit(experiment: ExperimentJudgement) -> str:
    body = [
        [
            literal(check.check),
            amount(check.value),
            amount(check.limit),
            "ok" if check.ok else "**beyond the limit**",
        ]
        for check in experiment.audit
    ]
    return table(("self-audit", "found", "limit", ""), body, words=("",))
