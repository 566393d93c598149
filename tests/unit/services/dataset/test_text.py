"""The generated prose: repeatable, varied, and safe to copy as it is."""

import zlib
from collections.abc import Callable
from random import Random

import pytest

from services.dataset import text
from services.dataset.text import sentence, sentences, tag_names


@pytest.mark.parametrize("make", [text.name, text.title, sentence])
def test_the_same_seed_makes_the_same_text(make: Callable[[Random], str]) -> None:
    assert make(Random(7)) == make(Random(7))
    assert len({make(Random(seed)) for seed in range(100)}) > 90


def test_a_sentence_has_as_many_words_as_asked_for() -> None:
    random = Random(1)
    lengths = {len(sentence(random, 3, 5).split()) for _ in range(200)}
    assert lengths == {3, 4, 5}


def test_a_sentence_begins_with_a_capital_and_ends_with_a_full_stop() -> None:
    made = sentence(Random(1))
    assert made[0].isupper()
    assert made.endswith(".")


def test_paragraphs_are_as_long_as_asked_for_on_average_and_never_empty() -> None:
    random = Random(1)
    counts = [sentences(random, 4).count(".") for _ in range(3_000)]
    assert min(counts) >= 1
    assert max(counts) <= 8 * 4 + 1
    assert sum(counts) / len(counts) == pytest.approx(4.5, rel=0.1)


def test_no_sentence_is_kept_and_used_again() -> None:
    random = Random(1)
    made = [sentence(random) for _ in range(3_000)]
    assert len(set(made)) == len(made)


def test_text_is_about_as_compressible_as_prose() -> None:
    random = Random(1)
    body = " ".join(sentences(random, 24) for _ in range(50)).encode()
    ratio = len(body) / len(zlib.compress(body, 6))
    assert 1.8 < ratio < 4


def test_tags_are_distinct_words() -> None:
    names = tag_names(500)
    assert len(set(names)) == 500
    assert all(name.isascii() and name.islower() for name in names)


def test_more_tags_than_the_vocabulary_has_words_cannot_be_had() -> None:
    with pytest.raises(ValueError, match="words; 1000000 tags"):
        tag_names(1_000_000)
