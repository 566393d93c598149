"""Two endpoints of anybody's: what a person writes, as the arms of an experiment."""

from pathlib import Path
from typing import Any

import pytest

from loadgen.experiment.ab import Question, headers_of, metrics_of, read_questions, subject
from loadgen.sending.connection import Address

A, B = "http://127.0.0.1:8001/old?id=1", "http://127.0.0.1:8002/new?id=1"
DEFAULTS = Question("", "", headers={"Accept": "text/plain"})


def of(questions: list[Question], **metrics: str) -> Any:
    return subject(questions, metrics, answers_may_differ=False)


def written(folder: Path, text: str) -> Path:
    path = folder / "pairs"
    path.write_text(text)
    return path


def test_two_urls_are_baseline_and_candidate_and_there_is_a_control() -> None:
    made = of([Question(A, B)])
    assert [arm.name for arm in made.arms] == ["A", "B", "control"]
    assert made.baseline.address == Address("127.0.0.1", 8001)
    assert made.arms[1].address == Address("127.0.0.1", 8002)
    assert made.arms[1].targets == ("/new?id=1",)
    assert made.arms[2].requests == made.baseline.requests
    assert not made.answers_may_differ


def test_method_headers_and_body_are_sent() -> None:
    (request,) = of([Question(A, B, "POST", {"X-Tenant": "7"}, "é")]).arms[1].requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /new?id=1 HTTP/1.1\r\n")
    assert b"X-Tenant: 7" in head
    assert b"Content-Length: 2" in head
    assert body == "é".encode()


def test_an_address_without_a_path_is_asked_its_root() -> None:
    assert of([Question("http://localhost", "http://localhost/")]).baseline.targets == ("/",)


def test_each_arm_may_have_its_page_of_metrics() -> None:
    made = of([Question(A, B)], A="http://127.0.0.1:9001/own/metrics")
    assert made.baseline.metrics.path == "/own/metrics"
    assert made.arms[1].metrics is None


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (Question("ftp://x/", B), "'ftp://x/' is no address like"),
        (Question("https://x/", B), "'https://x/' is no address like"),
        (Question(A, "new"), "'new' is no address like"),
        (Question(A, "http://x/a b"), "is to be percent-encoded"),
        (Question(A, "http://x/é"), "is to be percent-encoded"),
        (Question(A, B, method="HEAD"), "'HEAD' is none of GET, POST"),
    ],
)
def test_what_cannot_be_asked_is_named(question: Question, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        of([question])


def test_an_arm_is_one_server() -> None:
    with pytest.raises(ValueError, match="all URLs of B go to one server"):
        of([Question(A, B), Question(A, A)])


def test_a_file_has_pairs_or_json_or_both(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f"""# before and after
        {A} {B}

        {{"a": "{A}", "b": "{B}", "method": "POST", "headers": {{"X": "1"}}, "body": "x"}}
        """,
    )
    assert read_questions(path, DEFAULTS) == [
        Question(A, B, "GET", {"Accept": "text/plain"}),
        Question(A, B, "POST", {"Accept": "text/plain", "X": "1"}, "x"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no pair of URLs in it"),
        ("# nothing\n", "there is no pair of URLs in it"),
        (f"{A} {B}\n{A}", "line 2: .* is no pair of URLs"),
        ('{"a": "x"}', "line 1: a and b are needed"),
        ('{"a": "x", "b": 1}', "line 1: 'b' is none of"),
        ('{"a": "x", "b": "y", "c": "z"}', "line 1: 'c' is none of a, b, method"),
        ('{"a": ', "line 1: "),
    ],
)
def test_a_line_that_is_none_is_named_by_its_number(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read_questions(written(tmp_path, text), DEFAULTS)


def test_headers_are_read() -> None:
    assert headers_of(["Accept: text/html", "X-A:b:c"]) == {"Accept": "text/html", "X-A": "b:c"}


@pytest.mark.parametrize("line", ["Accept", ": x", "A: b\r\nC: d", "A: é"])
def test_what_is_no_header_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="is no header"):
        headers_of([line])


def test_a_page_of_metrics_is_for_both_unless_it_says_otherwise() -> None:
    assert metrics_of([A]) == {"A": A, "B": A}
    assert metrics_of([f"A={A}", f"B={B}"]) == {"A": A, "B": B}
    with pytest.raises(ValueError, match="is no address"):
        metrics_of(["nowhere"])
