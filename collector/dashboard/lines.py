"""One line of what a page says about a fact."""

from collections.abc import Iterator

import msgspec


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is shown as it is, escaped; `moment_us` instead of it where it is a time;
    `mono` for what is compared letter by letter.
    """

    label: str
    text: str = ""
    moment_us: int = 0
    mono: bool = False


Lines = Iterator[Line]
