"""A scan that takes too long, or does not come at all."""

from typing import Literal

from checks.facts.base import Fact, Number
from checks.facts.media import Medium


class ScanLate(Fact, frozen=True, kw_only=True, tag="scan_late"):
    """A medium is mounted for longer than `allowed` seconds (the policy's thresholds) and its
    scan has `not_started`, or was begun and has `not_finished`; each is told once in a mount.
    `used` bytes lie on its file system, 0 while unknown.
    """

    medium: Medium
    mount_point: str
    what: Literal["not_started", "not_finished"]
    allowed: Number
    used: Number = 0
