"""Durations and bit rates as people write them: 20ms, 10s, 1.5m, 10mbit."""

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BITS_PER_SECOND = {"bit": 1.0, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)([a-z]+)")


def seconds(text: str) -> float:
    """Raises ValueError if the text is no duration; zero is allowed."""
    return _quantity(text, _SECONDS, "duration like 20ms or 10s")


def bits_per_second(text: str) -> float:
    """Raises ValueError if the text is no bit rate; a kbit is 1000 bits."""
    return _quantity(text, _BITS_PER_SECOND, "bit rate like 10mbit or 512kbit")


def _quantity(text: str, units: dict[str, float], expected: str) -> float:
    match = _QUANTITY.fullmatch(text.strip().lower())
    if not match or match[2] not in units:
        raise ValueError(f"{text!r} is no {expected}; units: {', '.join(units)}")
    return float(match[1]) * units[match[2]]
