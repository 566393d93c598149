"""The Vary header: what a cache must compare before it answers from what it has."""

from collections.abc import Sequence


def merged(lines: Sequence[str], field: str) -> str:
    """The header with one more field name. RFC 9110, section 12.5.5.

    Overwriting what is there would let a cache mix up answers that differ by something else. `*`
    stays alone: it says more than any list. Names are compared without regard to case.
    """
    names = [name.strip() for line in lines for name in line.split(",") if name.strip()]
    if "*" in names:
        return "*"
    if field.lower() not in (name.lower() for name in names):
        names.append(field)
    return ", ".join(names)
