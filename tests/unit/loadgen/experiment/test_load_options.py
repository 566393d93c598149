"""Load options: durations, the attack of a block, and the form that a bundle stores."""

from dataclasses import replace
from typing import Any

import pytest

from loadgen.experiment.load_options import LoadOptions
from loadgen.sending.attack import ClosedLoop, OpenLoop
from loadgen.sending.network_link import NetworkLink
from loadgen.sending.pacer import Stage

OPTIONS = LoadOptions(iterations=4, concurrency=2, duration=0.03, seed=1)


def test_the_duration_of_an_experiment_includes_half_a_block_of_warm_up_per_arm() -> None:
    options = LoadOptions(iterations=8, concurrency=4, duration=0.5, seed=1)
    assert options.seconds(3) == 3 * 0.5 * 8.5
    staged = replace(OPTIONS, stages=(Stage(1, 10), Stage(2, 20)))
    assert staged.seconds(2) == 2 * 3 * 4.5


def test_without_a_rate_the_load_is_a_closed_loop() -> None:
    attack = OPTIONS.attack()
    assert attack.load == ClosedLoop(2)
    assert (attack.duration, attack.timeout, attack.link) == (0.03, 30, None)


def test_with_a_rate_the_load_is_an_open_loop() -> None:
    assert replace(OPTIONS, rate=9.5, arrivals="poisson").attack().load == OpenLoop(
        9.5, "poisson", 1
    )


def test_a_link_applies_to_the_attack() -> None:
    attack = replace(OPTIONS, link=1e6, link_latency=0.02).attack()
    assert attack.link == NetworkLink(1e6, 0.02)


def test_stages_replace_the_duration_of_a_block_but_not_of_a_warm_up() -> None:
    staged = replace(OPTIONS, stages=(Stage(1, 10), Stage(2, 20)))
    assert staged.attack().stages == staged.stages
    assert staged.attack().duration == 3
    warm_up = staged.attack(1.5)
    assert (warm_up.stages, warm_up.duration) == ((), 1.5)


def test_a_bundle_stores_only_options_that_are_set() -> None:
    assert OPTIONS.as_document() == {
        "iterations": 4,
        "concurrency": 2,
        "duration": 0.03,
        "seed": 1,
        "arrivals": "constant",
        "link_latency": 0.0,
        "timeout": 30.0,
    }
    assert replace(OPTIONS, stages=(Stage(1, 10),)).as_document()["stages"] == [
        {"seconds": 1, "level": 10}
    ]


@pytest.mark.parametrize("changes", [{"rate": 0.0}, {"concurrency": 0}, {"link": -1.0}])
def test_an_unusable_load_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"use a (number|rate) above 0"):
        replace(OPTIONS, **changes).attack()
