"""What is cut, remembered: written before acting.  Pure but for `load` and `save`."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from agent.durable import make_private_folder, move_aside, read_whole, write_durably
from agent.system.link_down import Configured
from checks.facts.base import Micros
from checks.facts.containment import ContainmentActed

MEMORY = "containment.json"
_MOST = 256

Interface = Annotated[str, msgspec.Meta(min_length=1, max_length=15)]
"""IFNAMSIZ of linux/if.h, without the zero at the end."""


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """One link that is cut until `until_us`, or `hold_us` long.  `before` is what a link that was taken down
    had; None where its packets are dropped.
    """

    interface: Interface
    way: Literal["nftables", "link_down"]
    ground: str
    until_us: Micros
    hold_us: Micros
    before: Configured | None = None


class Excused(msgspec.Struct, frozen=True, kw_only=True):
    """A link whose cut was undone, and is not cut again before `until_us`."""

    interface: Interface
    until_us: Micros


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """`untold` are acts that may not have been recorded yet."""

    cuts: Annotated[tuple[Cut, ...], msgspec.Meta(max_length=_MOST)] = ()
    excused: Annotated[tuple[Excused, ...], msgspec.Meta(max_length=_MOST)] = ()
    untold: Annotated[tuple[ContainmentActed, ...], msgspec.Meta(max_length=_MOST)] = ()


def load(path: Path) -> Kept | None:
    """Empty before the first cut; None when the file was spoilt (it is set aside).

    Raises:
        OSError: it cannot be read.
    """
    content = read_whole(path)
    if content is None:
        return Kept()
    try:
        return msgspec.json.decode(content, type=Kept)
    except (msgspec.DecodeError, UnicodeDecodeError):
        move_aside(path, ".broken")
        return None


def save(path: Path, kept: Kept) -> None:
    """On disk when it returns.  Raises OSError."""
    make_private_folder(path.parent)
    write_durably(path, msgspec.json.encode(kept))
