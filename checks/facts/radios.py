"""Radio hardware, also what is switched off: the rfkill table and the kernel's device classes."""

from typing import ClassVar, Literal

import msgspec

from checks.facts.base import Fact


class Radio(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One transmitter.  `enabled` is False when it is blocked by software or by a switch
    (Documentation/driver-api/rfkill.rst) or its driver holds it down.
    """

    kind: Literal["wifi", "bluetooth", "modem", "infrared", "other"]
    device: str
    description: str = ""
    enabled: bool = False


class RadioState(Fact, frozen=True, kw_only=True, tag="radios"):
    """Every radio of this machine; empty when it has none."""

    state: ClassVar[bool] = True

    radios: tuple[Radio, ...]
