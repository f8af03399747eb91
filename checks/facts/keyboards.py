"""Keyboards that a machine did not have before."""

from checks.facts.base import Fact


class KeyboardAppeared(Fact, frozen=True, kw_only=True, tag="keyboard_appeared"):
    """A USB keyboard that was not there when the agent first looked, and never since.

    `device` is `vendor:product:serial` by its descriptors, without what it does not tell: of
    keyboards of one make without serial numbers only the first is new.  `name` is what it
    calls itself.
    """

    device: str
    name: str = ""
