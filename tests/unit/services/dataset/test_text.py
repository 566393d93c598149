"""The generated text: reproducible, varied, and as compressible as prose."""

import hashlib
import zlib
from collections.abc import Callable
from pydoc_data.topics import topics
from random import Random

import brotli
import pytest
import zstandard

from services.dataset import text
from services.dataset.text import sentence, sentences, tag_names

DIGEST = "3cbc8d83e9c61ac1d394cae910145ff17b9952c4228a7e49addb913dc470220e"


def sample_text(random: Random) -> str:
    """Some of each kind of text."""
    kinds = (sentences(random, 24), text.title(random), text.name(random), *tag_names(50))
    return "\n".join(kinds)


def test_text_is_the_same_on_every_machine() -> None:
    random = Random(1)
    digest = hashlib.sha256("\n".join(sample_text(random) for _ in range(50)).encode()).hexdigest()
    assert digest == DIGEST, "other text needs another VERSION in services/dataset/generator.py"


@pytest.mark.parametrize("make", [text.name, text.title, sentence])
def test_the_same_seed_gives_the_same_text_and_others_differ(make: Callable[[Random], str]) -> None:
    assert make(Random(7)) == make(Random(7))
    assert len({make(Random(seed)) for seed in range(100)}) > 90


def test_a_sentence_has_a_number_of_words_within_the_limits() -> None:
    random = Random(1)
    lengths = {len(sentence(random, 3, 5).split()) for _ in range(200)}
    assert lengths == {3, 4, 5}


def test_a_sentence_begins_with_a_capital_and_ends_with_a_full_stop() -> None:
    made = sentence(Random(1))
    assert made[0].isupper()
    assert made.endswith(".")


def test_paragraphs_have_the_mean_length_and_are_never_empty() -> None:
    random = Random(1)
    counts = [sentences(random, 4).count(".") for _ in range(3_000)]
    assert min(counts) >= 1
    assert max(counts) <= 8 * 4 + 1
    assert sum(counts) / len(counts) == pytest.approx(4.5, rel=0.1)


def test_sentences_are_distinct() -> None:
    random = Random(1)
    made = [sentence(random) for _ in range(3_000)]
    assert len(set(made)) == len(made)


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "zstd 3": lambda body: zstandard.ZstdCompressor(level=3).compress(body),
    "zstd 9": lambda body: zstandard.ZstdCompressor(level=9).compress(body),
    "br 5": lambda body: brotli.compress(body, mode=brotli.MODE_TEXT, quality=5),
    "gzip 1": lambda body: zlib.compress(body, 1),
    "gzip 6": lambda body: zlib.compress(body, 6),
}


def reference() -> bytes:
    """Real English prose: the language reference that is installed with Python."""
    return " ".join(" ".join(topics[name] for name in sorted(topics)).split()).encode()


@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_text_compresses_about_as_well_as_real_prose_and_not_better(compressor: str) -> None:
    random = Random(1)
    made = " ".join(sentences(random, 24) for _ in range(120)).encode()[:100_000]
    assert len(made) == 100_000
    compress = COMPRESSORS[compressor]
    ratio = len(compress(reference()[:100_000])) / len(compress(made))
    assert 0.85 < ratio < 1


def test_tags_are_distinct_words() -> None:
    names = tag_names(500)
    assert len(set(names)) == 500
    assert all(name.isascii() and name.islower() for name in names)


def test_more_tags_than_words_are_refused() -> None:
    with pytest.raises(ValueError, match="words, too few for 1000000 tags"):
        tag_names(1_000_000)
