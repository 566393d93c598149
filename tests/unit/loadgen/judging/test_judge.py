"""The judgement of a bundle: figures, ratios, verdicts, and the reasons of invalid runs."""

import math
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from loadgen.evidence.bundle import Experiment
from loadgen.evidence.bundle_reader import read_bundle
from loadgen.evidence.bundle_writer import write_bundle
from loadgen.experiment.plan import interleaved
from loadgen.judgement import (
    CONTROL,
    ExperimentJudgement,
    Verdict,
    encode,
    verdict_from,
)
from loadgen.judging.estimate import ASSUMED_NOISE, RECOMMENDED_PAIRS
from loadgen.judging.judge import judge, judge_sweep, sweep_judgement
from loadgen.sending.histogram import Histogram
from tests.conftest import ROOT
from tests.unit.loadgen.evidence_factory import (
    ARMS,
    SETTINGS,
    bundle,
    experiment,
    histogram,
    record,
    records,
)

TWICE = [1.98, 2.0, 2.02, 2.0]


def judged(one: Experiment, **changes: Any) -> ExperimentJudgement:
    return judge(bundle(one, **changes)).experiments[one.name]


# Ratios and verdicts


def test_an_arm_that_takes_half_the_time_is_twice_as_fast() -> None:
    found = judged(experiment(records(TWICE)))
    assert found.verdict is Verdict.FASTER
    assert found.comparisons["optimized"].p50.estimate == pytest.approx(2.0, rel=0.01)
    assert found.reason == ""


def test_an_arm_that_takes_longer_is_slower() -> None:
    assert judged(experiment(records([0.5, 0.51, 0.49, 0.5]))).verdict is Verdict.SLOWER


def test_contradicting_pairs_show_no_difference() -> None:
    found = judged(experiment(records([0.5, 2.0, 0.8, 1.2])))
    assert found.verdict is Verdict.NO_DIFFERENCE_SHOWN


def test_every_quantity_is_compared_by_its_own_figures() -> None:
    """The medians are equal; the tail and the throughput of optimized are twice as good."""
    well, badly = [0.001] * 90 + [0.002] * 10, [0.001] * 90 + [0.004] * 10
    blocks = [
        record(arm, pair, latencies=histogram(badly if arm == "naive" else well), seconds=seconds)
        for pair in range(4)
        for arm, seconds in (("naive", 2.0), ("optimized", 1.0), (CONTROL, 2.0))
    ]
    found = judged(experiment(blocks))
    ratio = found.comparisons["optimized"]
    assert ratio.p50.estimate == pytest.approx(1.0)
    assert ratio.p95.estimate == pytest.approx(2.0, rel=0.001)
    assert ratio.p99.estimate == pytest.approx(2.0, rel=0.001)
    assert ratio.throughput.estimate == pytest.approx(2.0)
    assert found.verdict is Verdict.NO_DIFFERENCE_SHOWN


def test_a_ratio_compares_blocks_of_the_same_pair() -> None:
    """The machine becomes four times slower from pair to pair; the ratio stays the same."""
    blocks = [
        record(arm, pair, median * 4**pair)
        for pair in range(4)
        for arm, median in (("naive", 0.0015), ("optimized", 0.001), (CONTROL, 0.0015))
    ]
    ratio = judged(experiment(blocks)).comparisons["optimized"].p50
    assert (ratio.low, ratio.high) == pytest.approx((1.5, 1.5), rel=0.01)


def test_the_control_gives_the_noise_floor_and_is_no_candidate() -> None:
    found = judged(experiment(records(TWICE)))
    assert found.comparisons.keys() == {"optimized"}
    assert found.noise_floor is not None
    assert found.noise_floor.p50.estimate == pytest.approx(1 / 1.001**1.5, rel=0.001)


def test_without_a_control_there_is_no_noise_floor() -> None:
    blocks = [each for each in records(TWICE) if each.arm != CONTROL]
    found = judged(experiment(blocks, arms=("naive", "optimized")))
    assert found.noise_floor is None
    assert found.verdict is Verdict.FASTER


def test_every_candidate_is_compared_and_the_first_one_is_the_verdict() -> None:
    blocks = [
        record(arm, pair, median)
        for pair in range(4)
        for arm, median in (("naive", 0.002), ("slow", 0.004), ("fast", 0.001))
    ]
    found = judged(experiment(blocks, arms=("naive", "slow", "fast")))
    assert {arm: each.verdict for arm, each in found.comparisons.items()} == {
        "slow": Verdict.SLOWER,
        "fast": Verdict.FASTER,
    }
    assert found.verdict is Verdict.SLOWER


def test_the_order_in_which_blocks_ran_does_not_matter() -> None:
    blocks = records([1.9, 2.0, 2.1, 2.0])
    forwards, backwards = judged(experiment(blocks)), judged(experiment(blocks[::-1]))
    assert forwards == backwards


# Figures


def test_figures_are_over_all_blocks_of_an_arm() -> None:
    found = judged(experiment(records([2.0] * 4)))
    naive, optimized = found.arms["naive"], found.arms["optimized"]
    assert list(found.arms) == list(ARMS)
    assert naive.p50_ms == pytest.approx(2.0, rel=0.02)
    assert optimized.p50_ms == pytest.approx(1.0, rel=0.02)
    assert optimized.p95_ms == pytest.approx(1.45, rel=0.02)
    assert optimized.p99_ms == pytest.approx(1.5, rel=0.02)
    assert optimized.mean_ms == pytest.approx(1.0, rel=0.01)
    assert naive.requests == 400
    assert naive.requests_per_second == 100
    assert naive.bytes_per_response == 10
    assert naive.errors == 0


def test_quantiles_are_those_of_all_requests_not_the_mean_of_the_blocks() -> None:
    fast, slow = histogram([0.001] * 90), histogram([1.0] * 10)
    blocks = [
        record(arm, pair, answered=latencies.count, latencies=latencies)
        for arm in ARMS
        for pair, latencies in enumerate([fast, fast, fast, slow])
    ]
    naive = judged(experiment(blocks)).arms["naive"]
    assert naive.p95_ms == pytest.approx(1.0, rel=0.001)
    assert naive.p99_ms == pytest.approx(1000.0, rel=0.001)


def test_receipts_are_of_all_requests_of_an_arm() -> None:
    counts = {
        ("naive", pair): {"counters": {"db_client_operations_total": 100.0 * pair}}
        for pair in range(4)
    }
    found = judged(experiment(records(TWICE, counts)))
    assert found.arms["naive"].receipts == {"statements per request": 1.5}
    assert found.arms["optimized"].receipts == {}


# Invalid runs


def test_arms_with_different_answers_are_invalid() -> None:
    different = experiment(
        records(TWICE), answers_equal=False, difference="?count=3 at $[0]: naive 1, optimized 2"
    )
    found = judged(different)
    assert found.verdict is Verdict.INVALID
    assert found.comparisons == {}
    assert found.noise_floor is None
    assert found.reason == ("the arms answer differently: ?count=3 at $[0]: naive 1, optimized 2")


def test_arms_with_different_answers_and_no_blocks_have_no_figures() -> None:
    found = judged(experiment(answers_equal=False, difference="$: naive 1, optimized 2"))
    assert (found.verdict, found.arms, found.audit) == (Verdict.INVALID, {}, ())


@pytest.mark.parametrize("arm", ARMS)
def test_failed_requests_make_a_run_invalid(arm: str) -> None:
    found = judged(experiment(records(TWICE, {(arm, 1): {"errors": 1}})))
    assert found.verdict is Verdict.INVALID
    assert found.comparisons == {}
    assert found.reason == f"1 of 401 requests to {arm} failed, first: status 503"
    assert found.arms[arm].errors == 1


def test_one_failure_among_thousands_of_requests_is_tolerated() -> None:
    many = {(arm, pair): {"answered": 1000} for arm in ARMS for pair in range(4)}
    many[("naive", 0)] = {"answered": 1000, "errors": 1}
    found = judged(experiment(records(TWICE, many)))
    assert found.verdict is Verdict.FASTER
    assert found.arms["naive"].errors == 1


def test_the_reason_names_every_failed_check() -> None:
    late = {(CONTROL, pair): {"lags": histogram([0.05])} for pair in range(4)}
    found = judged(experiment(records(TWICE, late | {("naive", 2): {"errors": 1}})))
    assert found.verdict is Verdict.INVALID
    assert found.reason == (
        "the load generator itself was late: by 50.0 ms at p99;"
        " 1 of 401 requests to naive failed, first: status 503"
    )


def test_a_block_without_an_answer_makes_a_run_invalid() -> None:
    nothing = {"answered": 0, "sent": 0, "latencies": Histogram(), "body_bytes": 0}
    found = judged(experiment(records(TWICE, {("optimized", 1): nothing})))
    assert found.verdict is Verdict.INVALID
    assert found.reason == "a block of optimized had no answer"


def test_an_arm_that_never_answered_has_no_figures() -> None:
    silent = {("optimized", pair): {"answered": 0, "errors": 5} for pair in range(4)}
    found = judged(experiment(records(TWICE, silent)))
    assert found.arms.keys() == {"naive", CONTROL}
    assert found.reason == "20 of 20 requests to optimized failed, first: status 503"


def test_a_run_without_blocks_is_invalid() -> None:
    found = judged(experiment())
    assert (found.verdict, found.reason) == (Verdict.INVALID, "nothing was measured")


def test_a_run_that_was_cut_short_is_judged_by_its_complete_pairs() -> None:
    whole = records(TWICE)
    cut = judged(experiment([*whole, record("naive", 4, 0.5)]))
    assert cut.comparisons == judged(experiment(whole)).comparisons


def test_a_run_with_too_few_complete_pairs_is_invalid() -> None:
    found = judged(experiment(records(TWICE)[:-1]))
    assert found.verdict is Verdict.INVALID
    assert found.reason == "an interval needs at least 4 pairs of blocks, and there are 3"


def test_several_generators_are_audited_as_such() -> None:
    counted = {
        (arm, pair): {"counters": {"http_server_request_duration_seconds_count": 200.0}}
        for arm in ARMS
        for pair in range(4)
    }
    two = experiment(records(TWICE, counted))
    assert judged(two).verdict is Verdict.INVALID
    assert judged(two, settings={**SETTINGS, "generators": 2}).verdict is Verdict.FASTER


# As a whole


def test_a_judgement_states_when_where_and_how_it_was_measured() -> None:
    whole = bundle()
    judgement = judge(whole)
    assert judgement.measured_at == whole.measured_at
    assert judgement.git_revision == whole.git_revision
    assert judgement.machine == whole.machine
    assert judgement.settings == whole.settings
    assert list(judgement.experiments) == ["made-up"]


def test_an_experiment_keeps_its_description() -> None:
    one = experiment(answers_equal=False, difference="$.x", title="Title", workload="Load")
    found = judged(one)
    assert (found.title, found.workload, found.baseline) == ("Title", "Load", "naive")
    assert (found.answers_equal, found.difference) == (False, "$.x")


def test_machine_and_settings_are_sorted_by_name() -> None:
    judgement = judge(bundle(machine={"b": 1, "a": 2}, settings={"z": 1, "c": 2}))
    assert (list(judgement.machine), list(judgement.settings)) == (["a", "b"], ["c", "z"])


def test_numbers_have_nine_significant_digits() -> None:
    found = judged(experiment(records([3.0] * 4), difference="1.23456789012345"))
    ratio, naive = found.comparisons["optimized"].p50, found.arms["naive"]
    numbers = (ratio.estimate, ratio.low, naive.mean_ms, found.audit[0].value)
    assert all(number == float(f"{number:.9g}") for number in numbers)
    assert any(number != float(f"{number:.8g}") for number in numbers)
    assert found.difference == "1.23456789012345"


def test_the_audit_has_the_findings_of_all_checks() -> None:
    checks = judged(experiment(records(TWICE))).audit
    assert [(each.check, each.limit, each.ok) for each in checks] == [
        ("schedule lag p99, ms", 20.0, True),
        ("load generator's CPU, cores", 0.9, True),
        ("failed requests, share", 0.001, True),
    ]
    assert checks[1].value == 0.2


def test_the_verdict_follows_from_the_published_ratios() -> None:
    for ratios in (TWICE, [0.5, 0.51, 0.49, 0.5], [0.5, 2.0, 0.8, 1.2]):
        found = judged(experiment(records(ratios)))
        ratio = found.ratio("optimized", "p50")
        assert ratio is not None
        assert found.verdict is verdict_from(ratio, found.noise("p50"))


JUDGE = """
import sys
from pathlib import Path
from loadgen.evidence.bundle_reader import read_bundle
from loadgen.judgement import encode
from loadgen.judging.judge import judge
sys.stdout.buffer.write(encode(judge(read_bundle(Path(sys.argv[1])))))
"""


def test_another_process_with_another_hash_seed_judges_byte_for_byte_the_same(
    tmp_path: Path,
) -> None:
    write_bundle(tmp_path, bundle(experiment(records([1.1, 1.3, 0.9, 1.2, 1.25]))))
    here = encode(judge(read_bundle(tmp_path)))
    for seed in ("1", "2"):
        there = subprocess.run(
            (sys.executable, "-c", JUDGE, str(tmp_path)),
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo", "LC_ALL": "C"},
            capture_output=True,
            check=True,
        )
        assert there.stdout == here


# Sweeps


def step(ratio: float, value: int, **changes: Any) -> Experiment:
    return experiment(records([ratio] * 4), name=f"made-up count={value}", **changes)


SWEEP = {
    "technique": "made-up",
    "parameter": "count",
    "values": [10, 1, 3],
    "description": "How many.",
}


def test_a_bundle_of_a_sweep_is_judged_as_a_curve_with_its_break_even() -> None:
    broken = step(2.0, 3, answers_equal=False, difference="$.x")
    whole = bundle(step(2.0, 10), broken, step(0.5, 1), settings={**SETTINGS, "sweep": SWEEP})
    sweeps = judge_sweep(whole, judge(whole))
    assert sweeps is not None
    sweep = sweeps["made-up"]
    assert (sweep.parameter, sweep.description) == ("count", "How many.")
    assert sweep.candidate == "optimized"
    assert sweep.note == "one in range: slower at 1, faster at 10"
    assert [point.value for point in sweep.points] == [1, 3, 10]
    assert sweep.break_even is not None
    assert sweep.break_even.estimate == pytest.approx(math.sqrt(10), rel=0.01)


def test_a_bundle_without_a_sweep_has_none() -> None:
    assert judge_sweep(bundle(), judge(bundle())) is None


def test_a_point_of_a_sweep_has_the_candidates_ratio_and_the_medians() -> None:
    found = judged(experiment(records([2.0] * 4)))
    (point,) = sweep_judgement("count", "", {3: found}).points
    assert point.ratio == found.ratio("optimized", "p50")
    assert point.verdict is Verdict.FASTER
    assert {name: arm.p50_ms for name, arm in point.arms.items()} == {
        name: figures.p50_ms for name, figures in found.arms.items()
    }


def test_an_invalid_point_of_a_sweep_keeps_its_reason_and_has_no_ratio() -> None:
    invalid = judged(experiment(answers_equal=False, difference="$.x"))
    sweep = sweep_judgement("count", "", {1: invalid})
    (point,) = sweep.points
    assert (point.ratio, point.verdict) == (None, Verdict.INVALID)
    assert point.reason == "the arms answer differently: $.x"
    assert (sweep.candidate, sweep.break_even, sweep.note) == ("", None, "nothing was measured")


# Simulated experiments, from latencies to the verdict


#: Requests of a block, and the spread of their latencies. Both cause a part of a block's noise.
REQUESTS, SPREAD = 30, 0.15
SAMPLING_NOISE = math.sqrt(math.pi / 2) * SPREAD / math.sqrt(REQUESTS)
MACHINE_NOISE = math.sqrt(ASSUMED_NOISE**2 - SAMPLING_NOISE**2)


def simulated(seed: int, pairs: int, slower: float) -> Experiment:
    """A machine that drifts from pair to pair and has better and worse blocks.

    In total the median of a block is off by ASSUMED_NOISE.
    """
    random, arms = Random(f"{seed} {pairs} {slower}"), ("naive", "optimized", CONTROL)
    drift = [random.gauss(0, 0.2) for _ in range(pairs)]
    blocks = []
    for block in interleaved(arms, pairs, random):
        level = 0.002 * math.exp(drift[block.pair] + random.gauss(0, MACHINE_NOISE))
        level *= 1 if block.arm == "optimized" else slower
        latencies = histogram([level * random.lognormvariate(0, SPREAD) for _ in range(REQUESTS)])
        blocks.append(
            record(block.arm, block.pair, answered=REQUESTS, latencies=latencies, lags=Histogram())
        )
    return experiment(blocks, arms=arms)


def verdicts(experiments: int, pairs: int, slower: float) -> Counter[Verdict]:
    return Counter(judged(simulated(seed, pairs, slower)).verdict for seed in range(experiments))


def test_equal_arms_hardly_ever_get_another_verdict() -> None:
    found = verdicts(1000, pairs=8, slower=1.0)
    # The interval misses 1 in 20 of them; the control catches nearly all of these.
    assert found[Verdict.FASTER] + found[Verdict.SLOWER] <= 5
    assert found[Verdict.INVALID] == 0


def test_nine_experiments_in_ten_find_a_difference_of_a_tenth() -> None:
    found = verdicts(200, RECOMMENDED_PAIRS, slower=1.1)
    assert found[Verdict.FASTER] >= 180
    assert found[Verdict.SLOWER] == found[Verdict.INVALID] == 0
