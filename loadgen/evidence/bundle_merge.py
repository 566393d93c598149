"""Adds up the bundles of several load generators that ran the same plan side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

from loadgen.evidence.bundle import Bundle, BundleRefused, Experiment, generators_of
from loadgen.evidence.bundle_format import blocks_text


def merge(bundles: Sequence[Bundle]) -> Bundle:
    """One bundle, as if the generators had been one. Raises BundleRefused.

    All generators must have the same settings, including the seed. Another seed would run the arms
    in another order, and blocks of different arms at the same time.
    """
    if len(bundles) < 2:
        raise BundleRefused("merging needs two bundles or more")
    first = bundles[0]
    for other in bundles[1:]:
        _check_alike(first, other)
        _check_side_by_side(first, other)
    merged = reduce(_merged, bundles)
    generators = sum(generators_of(bundle.settings) for bundle in bundles)
    return replace(merged, settings={**first.settings, "generators": generators})


def _check_alike(one: Bundle, other: Bundle) -> None:
    if one.experiments and blocks_text(one) == blocks_text(other):
        raise BundleRefused("cannot merge: one of them is there twice")
    differing = [
        name
        for name in sorted((one.settings.keys() | other.settings.keys()) - {"generators"})
        if one.settings.get(name) != other.settings.get(name)
    ]
    if differing:
        raise BundleRefused(f"cannot merge: the settings differ in {', '.join(differing)}")
    if one.git_revision != other.git_revision:
        raise BundleRefused("cannot merge: they are of different revisions")
    if list(map(_outline, one.experiments)) != list(map(_outline, other.experiments)):
        raise BundleRefused("cannot merge: the experiments or their blocks differ")


def _outline(experiment: Experiment) -> tuple[object, ...]:
    """What must be equal in the experiments of two generators."""
    return experiment.name, experiment.arms, experiment.baseline, experiment.plan


def _check_side_by_side(one: Bundle, other: Bundle) -> None:
    """Refuse runs one after the other: their sum would be twice the real throughput."""
    apart = abs(_started_at(one) - _started_at(other))
    shortest = min(
        (record.seconds for each in one.experiments for record in each.records), default=0.0
    )
    # The start is stored in whole seconds.
    if apart > timedelta(seconds=shortest + 1):
        raise BundleRefused(
            f"cannot merge: they began {apart.total_seconds():.0f} s apart, not side by side"
        )


def _started_at(bundle: Bundle) -> datetime:
    try:
        return datetime.fromisoformat(bundle.measured_at)
    except ValueError as error:
        raise BundleRefused(
            f"cannot merge: {bundle.measured_at!r:.40} is no ISO 8601 time"
        ) from error


def _merged(one: Bundle, other: Bundle) -> Bundle:
    experiments = zip(one.experiments, other.experiments, strict=True)
    return replace(
        one,
        measured_at=min(one, other, key=_started_at).measured_at,
        machine=_merged_machine(one.machine, other.machine),
        experiments=tuple(_merged_experiment(*each) for each in experiments),
    )


def _merged_machine(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Equal facts once, different facts as "one, other"."""
    return {
        name: one.get(name)
        if one.get(name) == other.get(name)
        else f"{one.get(name)}, {other.get(name)}"
        for name in {**one, **other}
    }


def _merged_experiment(one: Experiment, other: Experiment) -> Experiment:
    records = zip(one.records, other.records, strict=True)
    return replace(
        one,
        answers_equal=one.answers_equal and other.answers_equal,
        difference=one.difference or other.difference,
        records=tuple(left.merged(right) for left, right in records),
    )
