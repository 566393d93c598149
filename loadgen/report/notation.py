"""How every report writes numbers, ratios and names."""

import math

from loadgen.judgement import Ratio

NOTHING = "–"


def number(value: float) -> str:
    """Three significant digits, but at most two decimals; numbers below 0.1 keep two digits."""
    if value >= 99.95:
        return f"{value:,.0f}"
    if value >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.0995 or value <= 0 else small_number(value)


def small_number(value: float) -> str:
    """Two significant digits, never with an exponent: 0.00042."""
    return f"{value:.{1 - math.floor(math.log10(value))}f}"


def amount(value: float) -> str:
    """A count or share without trailing zeros: 51, 0.5, 2.25."""
    text = number(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def ratio_with_interval(ratio: Ratio | None) -> str:
    """A ratio with its interval: 2.61× (2.19–3.40)."""
    if ratio is None:
        return NOTHING
    return f"{number(ratio.estimate)}× ({interval(ratio)})"


def interval(ratio: Ratio) -> str:
    return f"{number(ratio.low)}–{number(ratio.high)}"


def noise_reach(floor: Ratio | None) -> str:
    """How far the control's interval reaches from 1, on its farther side: ±3 %."""
    if floor is None:
        return NOTHING
    percent = (max(floor.high, 1 / floor.low, 1.0) - 1) * 100
    return f"±{percent:.0f} %" if percent >= 0.95 else f"±{percent:.1f} %"


def printable(text: str) -> str:
    """The text without characters that control a terminal, a line or the reading direction."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def shortened(text: str, length: int) -> str:
    """At most `length` characters; the middle is cut out, since paths differ at their ends."""
    if len(text) <= length:
        return text
    rest = max(length - 1, 2)
    return f"{text[: rest - rest // 2]}…{text[len(text) - rest // 2 :]}"
