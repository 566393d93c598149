"""The page is complete, well-formed, closed to the network, and safe with any name."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from loadgen.judgement import Judgement, Verdict
from loadgen.report.html_report import html_report
from loadgen.report.notation import number, ratio_with_interval
from loadgen.sending.histogram import Histogram
from tests.unit.loadgen.report import sample

VOID = {"meta", "br", "hr", "img", "input", "link"}
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\x00\u202e"


class Reader(HTMLParser):
    """Elements with their attributes, and the text. Fails if an element is not closed."""

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

    def values_of(self, attribute: str) -> list[str]:
        return [str(each[attribute]) for _, each in self.elements if attribute in each]


@pytest.fixture(scope="module")
def page() -> str:
    sweeps = {
        "json-serialization": sample.sweep(sample.ratio(6.1, 3.2, 9.7)),
        "n-plus-one": sample.sweep(None, "none in range: faster at 10 to 10000"),
    }
    return html_report(sample.judgement(), sample.histograms(), sweeps)


@pytest.fixture(scope="module")
def seen(page: str) -> Reader:
    return Reader(page)


def test_the_page_shows_the_figures_of_every_experiment(seen: Reader) -> None:
    for name, found in sample.TECHNIQUES.items():
        assert name in seen.text
        assert found.title in seen.text
        assert found.workload in seen.text
        assert ratio_with_interval(sample.ratio(*found.speedup)) in seen.text
        for arm in (found.naive, found.optimized):
            for value in (arm.p50, arm.p99, arm.rate, arm.size):
                assert number(value) in seen.text
            for receipt in arm.receipts:
                assert receipt in seen.text


def test_the_page_states_the_verdict_in_words(seen: Reader) -> None:
    assert "7 experiments: 6 faster, 1 slower." in seen.text
    assert "optimized is 2.61× faster at the median; 95 % interval 2.19–3.40" in seen.text
    assert "optimized is 4.31× slower at the median" in seen.text


def test_the_page_states_where_and_how_the_run_was_measured(seen: Reader) -> None:
    for fact in ("2026-11-23T13:57:19+00:00", "65c1abae", "AMD EPYC", "Linux 6.18", "3.11.7"):
        assert fact in seen.text
    assert "8 pairs of blocks of 0.5 s, 4 clients, seed 1" in seen.text


def test_facts_are_listed_by_name_and_unknown_facts_are_left_out() -> None:
    machine = {"memory_gib": 24, "system": None, "disks": ["sda", 1]}
    page = html_report(replace(sample.judgement({}), machine=machine, settings={"rate": None}))
    assert re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", page) == [
        ("measured at", "2026-11-23T13:57:19+00:00"),
        ("revision", "65c1abae"),
        ("memory gib", "24"),
        ("disks", "[&#34;sda&#34;, 1]"),
    ]


def test_the_page_states_which_interval_and_which_rule_it_uses(seen: Reader) -> None:
    words = " ".join(seen.text.split())
    assert "Student's confidence interval for the mean of the logarithms" in words
    assert "outside the band and more than 2 % away from 1" in words
    assert "resampling" not in words


def test_the_page_states_where_sweeps_break_even(seen: Reader) -> None:
    assert "Breaks even at rows ≈ 6.1 (3.2–9.7)." in seen.text
    assert "none in range: faster at 10 to 10000" in seen.text


def test_the_page_begins_with_its_document_type(page: str) -> None:
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">\n')


def test_every_experiment_has_its_plots(seen: Reader) -> None:
    identifiers = seen.values_of("id")
    for index in range(len(sample.TECHNIQUES)):
        for plot in ("latencies", "speedups"):
            for width in (900, 340):
                assert f"experiment-{index}-{plot}-{width}-title" in identifiers
    assert "experiment-4-sweep-900-title" in identifiers


def test_nothing_is_loaded_and_no_script_runs(seen: Reader, page: str) -> None:
    assert seen.tags().isdisjoint({"script", "link", "img", "iframe", "object", "base", "form"})
    assert seen.values_of("src") == seen.values_of("srcset") == seen.values_of("style") == []
    assert all(target.startswith("#") for target in seen.values_of("href"))
    assert not [name for _, each in seen.elements for name in each if name.startswith("on")]
    style = re.search("<style>(.*?)</style>", page, re.DOTALL)
    assert style
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_the_policy_allows_only_the_style_of_the_page(seen: Reader, page: str) -> None:
    (style,) = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [each["content"] for _, each in seen.elements if "http-equiv" in each]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_links_lead_to_sections_and_identifiers_are_unique(seen: Reader) -> None:
    identifiers = seen.values_of("id")
    assert len(identifiers) == len(set(identifiers))
    assert {target[1:] for target in seen.values_of("href")} <= set(identifiers)
    for label in seen.values_of("aria-labelledby"):
        assert set(label.split()) <= set(identifiers)


def test_the_same_judgement_gives_the_same_page() -> None:
    def page() -> str:
        found = {"caching": sample.experiment(sample.TECHNIQUES["caching"])}
        sweeps = {"caching": sample.sweep(sample.ratio(6.1, 3.2, 9.7))}
        return html_report(sample.judgement(found), sample.histograms(), sweeps)

    assert page() == page()


def test_hostile_names_stay_texts() -> None:
    found = sample.experiment(sample.TECHNIQUES["caching"])
    experiment = replace(
        found,
        title=HOSTILE,
        workload=HOSTILE,
        baseline=HOSTILE,
        arms={
            HOSTILE: replace(found.arms["naive"], receipts={HOSTILE: 1.0}),
            "optimized": found.arms["optimized"],
        },
    )
    sweep = replace(sample.sweep(), parameter=HOSTILE, description=HOSTILE, note=HOSTILE)
    histograms = {HOSTILE: {HOSTILE: sample.drawn(sample.TECHNIQUES["caching"].naive, "x", 50)}}
    facts = {HOSTILE: HOSTILE, "nested": {HOSTILE: HOSTILE}}
    judgement = replace(
        sample.judgement({HOSTILE: experiment}), machine=facts, settings=facts, git_revision=HOSTILE
    )
    page = html_report(judgement, histograms, {HOSTILE: sweep, f"{HOSTILE} too": sweep})
    seen = Reader(page)
    assert seen.tags().isdisjoint({"script", "img"})
    assert not [name for _, each in seen.elements for name in each if name.startswith("on")]
    assert "<script>alert(1)</script>" in seen.text
    assert "\x00" not in page
    assert "\u202e" not in page


def refused(reason: str, difference: str | None = None) -> Judgement:
    return sample.judgement({"broken": sample.unmeasured(reason, difference)})


def test_an_invalid_experiment_states_its_reason() -> None:
    seen = Reader(html_report(refused("the load generator itself was late")))
    assert "no verdict: the load generator itself was late." in seen.text
    assert "1 experiment: 1 invalid." in seen.text


def test_a_difference_of_answers_is_shown_once() -> None:
    seen = Reader(html_report(refused("answers differ: $.items: 1 and 2", "$.items: 1 and 2")))
    assert seen.text.count("$.items: 1 and 2") == 1
    seen = Reader(html_report(refused("answers differ", "$.items: 1 and 2")))
    assert seen.text.count("$.items: 1 and 2") == 1


def test_an_invalid_run_shows_its_figures_without_a_ratio() -> None:
    experiment = replace(
        sample.experiment(sample.TECHNIQUES["caching"]),
        verdict=Verdict.INVALID,
        reason="late",
        audit=sample.audit(lag=21.0),
    )
    seen = Reader(html_report(sample.judgement({"caching": experiment})))
    assert number(sample.TECHNIQUES["caching"].naive.rate) in seen.text
    assert "2.61×" not in seen.text
    assert "beyond the limit" in seen.text


def test_a_run_without_experiments_gives_a_page() -> None:
    assert "no experiment" in Reader(html_report(sample.judgement({}))).text


def test_a_run_without_latencies_gives_a_page_without_density_plots() -> None:
    empty = {"caching": {"naive": Histogram(), "optimized": Histogram()}}
    seen = Reader(html_report(sample.judgement(), empty))
    assert not [each for each in seen.values_of("id") if "latencies" in each]


def test_a_sweep_without_a_valid_point_states_the_reasons() -> None:
    sweep = sample.sweep(None, "nothing was measured")
    points = tuple(
        replace(point, arms={}, ratio=None, verdict=Verdict.INVALID, reason="out of memory")
        for point in sweep.points
    )
    sweeps = {"caching": replace(sweep, points=points)}
    seen = Reader(html_report(sample.judgement(), {}, sweeps))
    assert seen.text.count("out of memory") == len(points)


def test_a_sweep_that_is_a_whole_run_has_a_section_of_its_own() -> None:
    found = sample.TECHNIQUES["caching"]
    steps = {f"caching rows={value}": sample.experiment(found) for value in (1, 10)}
    sweeps = {"caching": sample.sweep(sample.ratio(6.1, 3.2, 9.7))}
    seen = Reader(html_report(sample.judgement(steps), {}, sweeps))
    assert seen.text.count("Breaks even at rows ≈ 6.1 (3.2–9.7).") == 1
    assert len([each for each in seen.values_of("id") if each.startswith("sweep-0")]) == 4
