"""Random English-looking text that compresses about as well as real prose, and not better.

Words follow Zipf's law over the vocabulary, as in real prose. Real prose also repeats phrases, such
as "as well as" or "in the case of". They are half of the redundancy that a compressor finds. The
generated text therefore contains phrases too, but it never repeats a sentence on purpose. A test
compares its compression ratio with that of the reference of the Python language.
"""

from functools import cache
from importlib.resources import files
from random import Random

#: The size of the table from which words are drawn. A word is in the table as often as its weight
#: demands. A draw then takes one random number, and is four times as fast as weighted sampling.
_TABLE_SIZE = 1 << 14
_ZIPF_SHIFT = 2.7  # Mandelbrot's constant; it reduces the weight of the most common words
_PHRASES = 2_000
_PHRASE_WORDS = (2, 4)
#: The share of draws that are phrases. With a smaller share, the text is harder to compress than
#: any real prose that was measured.
_PHRASE_SHARE = 0.55


def _words() -> tuple[str, ...]:
    text = (files("services.dataset") / "vocabulary.txt").read_text("utf-8")
    return tuple(dict.fromkeys(text.split()))


def _table(entries: tuple[str, ...], size: float) -> tuple[str, ...]:
    """About `size` copies of the entries, by Zipf's law; the first entry is the most common."""
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
_NAMES = 400  # people get the rarest words as names, never "The Of"


def sentence(random: Random, minimum_words: int = 5, maximum_words: int = 17) -> str:
    """A sentence with a random number of words between the two limits, both included."""
    count = minimum_words + int(random.random() * (maximum_words - minimum_words + 1))
    # A draw has one word or more, so `count` draws suffice. Surplus words are cut off.
    drawn = " ".join(random.choices(_DRAWS, k=count)).split(" ", count)
    text = " ".join(drawn[:count])
    return text[0].upper() + text[1:] + "."


def sentences(random: Random, mean: float) -> str:
    """One or more sentences: 1 plus an exponential number with that mean, at most 8 * mean + 1."""
    count = min(1 + int(random.expovariate(1 / mean)), int(8 * mean) + 1)
    return " ".join([sentence(random) for _ in range(count)])


def title(random: Random) -> str:
    """A title of three to eight words."""
    words = random.choices(_WORDS, k=3 + int(random.random() * 6))
    return " ".join(words).capitalize()


def name(random: Random) -> str:
    """A first and a last name."""
    first, last = random.choices(_DISTINCT[-_NAMES:], k=2)
    return f"{first.capitalize()} {last.capitalize()}"


@cache
def tag_names(count: int) -> tuple[str, ...]:
    """Distinct tag names: the rarest words of the vocabulary, so that no tag is called "the".

    Raises ValueError when the vocabulary has fewer words.
    """
    words = _DISTINCT
    if count > len(words):
        raise ValueError(f"the vocabulary has {len(words)} words, too few for {count} tags")
    return words[-count:]
