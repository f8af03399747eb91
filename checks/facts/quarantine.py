"""Infected files of media that were moved away, and what became of them."""

from typing import Literal

import msgspec

from checks.facts.base import Fact, Number, ShortText
from checks.facts.media import Medium

QuarantineEnd = Literal[
    "moved",
    "changed",
    "clinical",
    "full",
    "gone",
    "held",
    "read_only",
    "unreadable",
    "unwritable",
]
"""What became of an infected file.  `moved`: it lies in the endpoint's quarantine and no longer on
the medium.  All others lie where they were: `changed` since the scan, on a `clinical` endpoint, no
room in the quarantine (`full`), `gone` by then, on a medium that is `held` anyway, on one
mounted `read_only`, `unreadable`, or not to be taken away (`unwritable`)."""
QuarantineAction = Literal["restored", "deleted"]


class QuarantinedFile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`sha256` of the content, by which the quarantine names it; `size` in bytes.  `file_hash`,
    `file_name` and `suffix` as in `MediumAccessed`: the name itself stays at the endpoint.
    """

    signature: str
    end: QuarantineEnd
    sha256: str = ""
    size: Number = 0
    file_hash: str = ""
    file_name: str = ""
    suffix: str = ""


class FilesQuarantined(Fact, frozen=True, kw_only=True, tag="files_quarantined"):
    """What became of the infected files that a scan had named, where the policy wants them
    moved (`scanning.quarantine`).
    """

    medium: Medium
    mount_point: str
    files: tuple[QuarantinedFile, ...]


class QuarantineOpened(Fact, frozen=True, kw_only=True, tag="quarantine_opened"):
    """Somebody with root, logged in as `actor`, ordered a content of the quarantine to be written
    to a file, or to be deleted for good.
    """

    action: QuarantineAction
    sha256: ShortText
    actor: str
    signature: str = ""
