"""The page: complete, well-formed, closed to the network, and safe with any name."""

import re
from html.parser import HTMLParser

import pytest

from loadgen.judgement import Judgement
from loadgen.report.figures import number, times
from loadgen.report.page import page
from loadgen.sending.histogram import Histogram
from tests.unit.loadgen.report import sample

VOID = {"meta", "br", "hr", "img", "input", "link"}
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\x00\u202e"


class Reader(HTMLParser):
    """What a browser sees: elements with attributes, and text; refuses what is not closed."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(markup)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    def all(self, attribute: str) -> list[str]:
        return [str(each[attribute]) for _, each in self.elements if attribute in each]


def whole() -> str:
    sweeps = {
        "json-serialization": sample.sweep(sample.ratio(6.1, 3.2, 9.7)),
        "n-plus-one": sample.sweep(None, "none in range: faster at 10 to 10000"),
    }
    return page(sample.document(), sample.histograms(), sweeps)


@pytest.fixture(scope="module")
def seen() -> Reader:
    return Reader(whole())


def test_every_experiment_is_there_with_its_figures(seen: Reader) -> None:
    for name, found in sample.TECHNIQUES.items():
        assert name in seen.text
        assert found.title in seen.text
        assert found.workload in seen.text
        assert times(sample.ratio(*found.speedup)) in seen.text
        for arm in (found.naive, found.optimized):
            for value in (arm.p50, arm.p99, arm.rate, arm.size):
                assert number(value) in seen.text
            for receipt in arm.receipts:
                assert receipt in seen.text


def test_the_verdict_is_said_in_words(seen: Reader) -> None:
    assert "7 experiments: 6 faster, 1 slower." in seen.text
    assert "optimized is 2.61× faster at the median; 95 % interval 2.19–3.40" in seen.text
    assert "optimized is 4.31× slower at the median" in seen.text


def test_it_says_where_and_how_it_was_measured(seen: Reader) -> None:
    for fact in ("2026-11-23T13:57:19+00:00", "65c1abae", "AMD EPYC", "Linux 6.18", "3.11.7"):
        assert fact in seen.text
    assert "8 pairs of blocks of 0.5 s, 4 clients, seed 1" in seen.text


def test_sweeps_tell_where_they_break_even(seen: Reader) -> None:
    assert "Breaks even at rows ≈ 6.1 (3.2–9.7)." in seen.text
    assert "none in range: faster at 10 to 10000" in seen.text


def test_nothing_is_loaded_and_nothing_runs(seen: Reader) -> None:
    assert seen.tags().isdisjoint({"script", "link", "img", "iframe", "object", "base", "form"})
    assert seen.all("src") == seen.all("srcset") == seen.all("style") == []
    assert all(target.startswith("#") for target in seen.all("href"))
    assert not [name for _, each in seen.elements for name in each if name.startswith("on")]
    style = re.search("<style>(.*?)</style>", whole(), re.DOTALL)
    assert style
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_the_policy_forbids_what_is_not_needed(seen: Reader) -> None:
    (policy,) = [each["content"] for _, each in seen.elements if "http-equiv" in each]
    assert policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_links_lead_to_sections_and_no_name_is_given_twice(seen: Reader) -> None:
    identifiers = seen.all("id")
    assert len(identifiers) == len(set(identifiers))
    assert {target[1:] for target in seen.all("href")} <= set(identifiers)
    for label in seen.all("aria-labelledby"):
        assert set(label.split()) <= set(identifiers)


def test_the_same_document_gives_the_same_page() -> None:
    assert whole() == whole()


def test_hostile_names_are_letters_only() -> None:
    experiment = sample.experiment(sample.TECHNIQUES["caching"])
    experiment |= {"title": HOSTILE, "workload": HOSTILE, "baseline": HOSTILE}
    arms = experiment.arms
    measured = arms["naive"] | {"receipts": {HOSTILE: 1.0}}
    experiment.arms = {HOSTILE: measured, "optimized": arms["optimized"]}
    sweep = sample.sweep()
    sweep.parameter = sweep.note = HOSTILE
    histograms = {HOSTILE: {HOSTILE: sample.drawn(sample.TECHNIQUES["caching"].naive, "x", 50)}}
    document = sample.document({HOSTILE: experiment})
    document.machine = document.settings = {HOSTILE: HOSTILE}
    seen = Reader(page(document, histograms, {HOSTILE: sweep}))
    assert seen.tags().isdisjoint({"script", "img"})
    assert "<script>alert(1)</script>" in seen.text
    assert "\x00" not in seen.text
    assert "\u202e" not in seen.text


def refused(reason: str, difference: str | None = None) -> Judgement:
    return sample.document({"broken": sample.unmeasured(reason, difference)})


def test_an_invalid_experiment_says_why() -> None:
    seen = Reader(page(refused("the load generator itself was late")))
    assert "no verdict: the load generator itself was late." in seen.text
    assert "1 experiment: 1 invalid." in seen.text


def test_a_difference_of_answers_is_told_once() -> None:
    seen = Reader(page(refused("answers differ: $.items: 1 and 2", "$.items: 1 and 2")))
    assert seen.text.count("$.items: 1 and 2") == 1
    seen = Reader(page(refused("answers differ", "$.items: 1 and 2")))
    assert seen.text.count("$.items: 1 and 2") == 1


def test_figures_of_an_invalid_run_are_shown_without_a_ratio() -> None:
    experiment = sample.experiment(sample.TECHNIQUES["caching"])
    experiment |= {"verdict": "invalid", "reason": "late", "audit": sample.audit(lag=21.0)}
    seen = Reader(page(sample.document({"caching": experiment})))
    assert number(sample.TECHNIQUES["caching"].naive.rate) in seen.text
    assert "2.61×" not in seen.text
    assert "beyond the limit" in seen.text


def test_a_run_without_experiments_or_latencies_is_a_page_too() -> None:
    assert "no experiment" in Reader(page(sample.document({}))).text
    empty = {"caching": {"naive": Histogram(), "optimized": Histogram()}}
    Reader(page(sample.document(), empty))


def test_a_sweep_of_which_nothing_was_valid_says_so() -> None:
    sweep = sample.sweep(None, "nothing was measured")
    for point in sweep.points:
        point |= {"arms": {}, "ratio": None, "verdict": "invalid", "reason": "too busy"}
    seen = Reader(page(sample.document(), {}, {"caching": sweep}))
    assert "too busy" in seen.text


def test_a_sweep_that_is_a_whole_run_has_a_section_of_its_own() -> None:
    found = sample.TECHNIQUES["caching"]
    steps = {f"caching rows={value}": sample.experiment(found) for value in (1, 10)}
    sweeps = {"caching": sample.sweep(sample.ratio(6.1, 3.2, 9.7))}
    seen = Reader(page(sample.document(steps), {}, sweeps))
    assert seen.text.count("Breaks even at rows ≈ 6.1 (3.2–9.7).") == 1
    assert len([each for each in seen.all("id") if each.startswith("sweep-0")]) == 4
