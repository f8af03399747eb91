"""What this machine does by itself when a medium is plugged in."""

from typing import ClassVar, Literal

import msgspec

from checks.facts.base import Fact

Desktop = Literal["GNOME", "Cinnamon", "MATE", "UKUI", "DDE", "KDE", "udev"]
"""Who acts; `udev` is a rule of the device manager, which needs no desktop."""
AutoplayEffect = Literal["mount", "open", "run"]
"""Mount it; show its files in a window; start a program, one of the medium's or for it."""
AutoplayOf = Literal["default", "system", "user"]
"""Whose word it is: nobody's (what the desktop was built with), the machine's, an account's."""


class Autoplay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that is done by itself.  `source` is the file that says so."""

    desktop: Desktop
    effect: AutoplayEffect
    whose: AutoplayOf
    source: str = ""


class AutoplayState(Fact, frozen=True, kw_only=True, tag="autoplay"):
    """Everything of that kind on this machine; nothing where no desktop is installed.  What
    an account sets itself stands here only where it does more than the machine's own word.
    """

    state: ClassVar[bool] = True

    settings: tuple[Autoplay, ...] = ()
