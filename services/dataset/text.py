"""English-looking text from a seeded generator, about as compressible as prose, and not more.

Words follow Zipf's law over the vocabulary, as in real prose. Real prose also says the same few
words together again and again ("as well as", "in the case of"), which is half of what a compressor
finds in it, so phrases do, too; no sentence is kept and reused. Its measure is the reference of the
Python language, English that every machine here has: a test compares the two.
"""

from functools import cache
from importlib.resources import files
from random import Random

#: Draws are made from a table in which a word stands as often as its weight says: one random
#: number per draw, four times as fast as weighted sampling.
_TABLE_SIZE = 1 << 14
_ZIPF_SHIFT = 2.7  # Mandelbrot's constant: flattens the weight of the few commonest words
_PHRASES = 2_000
_PHRASE_WORDS = (2, 4)
#: Of the draws; with fewer the text is harder to compress than any prose that we looked at.
_PHRASE_SHARE = 0.55


def _words() -> tuple[str, ...]:
    text = (files("services.dataset") / "vocabulary.txt").read_text("utf-8")
    return tuple(dict.fromkeys(text.split()))


def _table(entries: tuple[str, ...], size: float) -> tuple[str, ...]:
    """About `size` places, shared out by Zipf's law; the commonest entry comes first."""
    weights = [1 / (rank + _ZIPF_SHIFT) for rank in range(1, len(entries) + 1)]
    scale = size / sum(weights)
    return tuple(
        entry
        for entry, weight in zip(entries, weights, strict=True)
        for _ in range(max(1, round(weight * scale)))
    )


def _phrases(words: tuple[str, ...]) -> tuple[str, ...]:
    random = Random("phrases")
    shortest, longest = _PHRASE_WORDS
    lengths = (shortest + int(random.random() * (longest - shortest + 1)) for _ in range(_PHRASES))
    return tuple(" ".join(random.choices(words, k=length)) for length in lengths)


_DISTINCT = _words()
_WORDS = _table(_DISTINCT, _TABLE_SIZE)
_DRAWS = _WORDS + _table(_phrases(_WORDS), _TABLE_SIZE * _PHRASE_SHARE / (1 - _PHRASE_SHARE))
_NAMES = 400  # people are called by the vocabulary's rarest words, never "The Of"


def sentence(random: Random, minimum_words: int = 5, maximum_words: int = 17) -> str:
    count = minimum_words + int(random.random() * (maximum_words - minimum_words + 1))
    # As many draws as words are enough; where a phrase ends behind the last word, it is cut.
    drawn = " ".join(random.choices(_DRAWS, k=count)).split(" ", count)
    text = " ".join(drawn[:count])
    return text[0].upper() + text[1:] + "."


def sentences(random: Random, mean: float) -> str:
    """One sentence or more, exponentially distributed around `mean`, at most 8 times it."""
    count = min(1 + int(random.expovariate(1 / mean)), int(8 * mean) + 1)
    return " ".join([sentence(random) for _ in range(count)])


def title(random: Random) -> str:
    words = random.choices(_WORDS, k=3 + int(random.random() * 6))
    return " ".join(words).capitalize()


def name(random: Random) -> str:
    first, last = random.choices(_DISTINCT[-_NAMES:], k=2)
    return f"{first.capitalize()} {last.capitalize()}"


@cache
def tag_names(count: int) -> tuple[str, ...]:
    """Distinct names, the vocabulary's rarest words: nobody tags a post with "the".

    Raises ValueError when the vocabulary has fewer.
    """
    words = _DISTINCT
    if count > len(words):
        raise ValueError(f"the vocabulary has {len(words)} words; {count} tags were asked for")
    return words[-count:]
