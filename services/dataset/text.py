"""English-looking text from a seeded generator: varied enough that compression is not flattered.

Words follow Zipf's law over the vocabulary, as in real prose; no sentence is kept and reused.
"""

from functools import cache
from importlib.resources import files
from random import Random

#: Draws are made from a table in which a word stands as often as its weight says: one random
#: number per word, four times as fast as weighted sampling.
_TABLE_SIZE = 1 << 14
_ZIPF_SHIFT = 2.7  # Mandelbrot's constant: flattens the weight of the few commonest words


def _word_table() -> tuple[str, ...]:
    text = (files("services.dataset") / "vocabulary.txt").read_text("utf-8")
    words = tuple(dict.fromkeys(text.split()))
    weights = [1 / (rank + _ZIPF_SHIFT) for rank in range(1, len(words) + 1)]
    scale = _TABLE_SIZE / sum(weights)
    return tuple(
        word
        for word, weight in zip(words, weights, strict=True)
        for _ in range(max(1, round(weight * scale)))
    )


_WORDS = _word_table()
_DISTINCT = tuple(dict.fromkeys(_WORDS))
_NAMES = 400  # people are called by the vocabulary's rarest words, never "The Of"


def sentence(random: Random, minimum_words: int = 5, maximum_words: int = 17) -> str:
    count = minimum_words + int(random.random() * (maximum_words - minimum_words + 1))
    text = " ".join(random.choices(_WORDS, k=count))
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
