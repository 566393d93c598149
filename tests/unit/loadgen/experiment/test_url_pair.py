"""URL pairs: reading them from text, and comparing them as the arms of an experiment."""

from pathlib import Path

import pytest

from loadgen.experiment.subject import Subject
from loadgen.experiment.url_pair import (
    UrlPair,
    parse_headers,
    parse_metrics,
    read_url_pairs,
    url_subject,
)
from loadgen.sending.connection import Address

A, B = "http://127.0.0.1:8001/old?id=1", "http://127.0.0.1:8002/new?id=1"
DEFAULTS = UrlPair("", "", headers={"Accept": "text/plain"})


def subject_of(pairs: list[UrlPair], answers_may_differ: bool = False, **metrics: str) -> Subject:
    return url_subject(pairs, metrics, answers_may_differ)


def write_pairs(folder: Path, text: str) -> Path:
    path = folder / "pairs"
    path.write_text(text)
    return path


def test_a_pair_gives_a_baseline_a_candidate_and_a_control() -> None:
    subject = subject_of([UrlPair(A, B)])
    assert [arm.name for arm in subject.arms] == ["A", "B", "control"]
    assert subject.baseline.address == Address("127.0.0.1", 8001)
    assert subject.arms[1].address == Address("127.0.0.1", 8002)
    assert subject.arms[1].targets == ("/new?id=1",)
    assert subject.arms[2].requests == subject.baseline.requests
    assert not subject.answers_may_differ
    assert subject_of([UrlPair(A, B)], answers_may_differ=True).answers_may_differ


def test_a_request_has_the_method_the_headers_and_the_body_of_its_pair() -> None:
    (request,) = subject_of([UrlPair(A, B, "POST", {"X-Tenant": "7"}, "é")]).arms[1].requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /new?id=1 HTTP/1.1\r\n")
    assert b"X-Tenant: 7" in head
    assert b"Content-Length: 2" in head
    assert body == "é".encode()


def test_a_url_without_a_path_requests_the_root() -> None:
    assert subject_of([UrlPair("http://localhost", "http://localhost/")]).baseline.targets == ("/",)


def test_the_workload_names_the_number_of_requests() -> None:
    one = subject_of([UrlPair(A, B)])
    assert (one.title, one.workload) == (f"{A} against {B}", "One request")
    two = subject_of([UrlPair(A, B), UrlPair(A, B)])
    assert two.workload == "2 requests in turn"


def test_each_arm_may_have_its_own_metrics_page() -> None:
    subject = subject_of([UrlPair(A, B)], A="http://127.0.0.1:9001/own/metrics")
    assert subject.baseline.metrics is not None
    assert subject.baseline.metrics.path == "/own/metrics"
    assert subject.arms[1].metrics is None


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (UrlPair("ftp://x/", B), "'ftp://x/' is not an http:// URL"),
        (UrlPair("https://x/", B), "'https://x/' is not an http:// URL"),
        (UrlPair(A, "new"), "'new' is not an http:// URL"),
        (UrlPair(A, "http://x/a b"), "must be percent-encoded"),
        (UrlPair(A, "http://x/é"), "must be percent-encoded"),
        (UrlPair(A, B, method="HEAD"), "method 'HEAD' is not supported: use GET, POST"),
    ],
)
def test_a_pair_that_cannot_be_requested_is_refused_with_a_reason(
    pair: UrlPair, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        subject_of([pair])


def test_an_arm_with_two_servers_is_refused() -> None:
    with pytest.raises(ValueError, match="the URLs of B must all be of one server"):
        subject_of([UrlPair(A, B), UrlPair(A, A)])


def test_a_file_may_mix_plain_pairs_and_json(tmp_path: Path) -> None:
    path = write_pairs(
        tmp_path,
        f"""# before and after
        {A} {B}

        {{"a": "{A}", "b": "{B}", "method": "POST", "headers": {{"X": "1"}}, "body": "x"}}
        """,
    )
    assert read_url_pairs(path, DEFAULTS) == [
        UrlPair(A, B, "GET", {"Accept": "text/plain"}),
        UrlPair(A, B, "POST", {"Accept": "text/plain", "X": "1"}, "x"),
    ]


def test_a_json_pair_needs_only_two_urls(tmp_path: Path) -> None:
    path = write_pairs(tmp_path, f'{{"a": "{A}", "b": "{B}"}}')
    assert read_url_pairs(path, DEFAULTS) == [UrlPair(A, B, "GET", {"Accept": "text/plain"})]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file has no pair of URLs"),
        ("# nothing\n", "the file has no pair of URLs"),
        (f"{A} {B}\n{A}", "line 2: .* is not a pair of URLs"),
        ('{"a": "x"}', "line 1: the object needs both a and b"),
        ('{"a": "x", "b": 1}', "line 1: 'b' is unknown or has the wrong type"),
        (
            '{"a": "x", "b": "y", "c": "z"}',
            "line 1: 'c' is unknown or has the wrong type: a, b, method",
        ),
        ('{"a": ', "line 1: "),
    ],
)
def test_a_wrong_line_is_reported_with_its_number(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_url_pairs(write_pairs(tmp_path, text), DEFAULTS)


def test_headers_are_parsed() -> None:
    assert parse_headers(["Accept: text/html", "X-A:b:c"]) == {"Accept": "text/html", "X-A": "b:c"}


@pytest.mark.parametrize("line", ["Accept", ": x", "A: b\r\nC: d", "A: é"])
def test_a_line_that_is_no_header_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="is not a header"):
        parse_headers([line])


def test_a_metrics_url_without_a_name_is_for_both_arms() -> None:
    assert parse_metrics([A]) == {"A": A, "B": A}
    assert parse_metrics([f"A={A}", f"B={B}"]) == {"A": A, "B": B}
    with pytest.raises(ValueError, match="is not an http:// URL"):
        parse_metrics(["nowhere"])
