"""The endpoint's own anti-virus: what there is, whether it runs, and what it found."""

from typing import ClassVar

import msgspec

from checks.facts.base import Fact, Micros


class Product(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One anti-virus program that is installed here, or runs.

    `running`: one of its programs lives.  `guarding`: and so does what looks at files as they
    are used.  That is told by processes: a guard that was switched off in the settings of a
    program that runs on is not noticed.  `guard_set_up`: it has such a part at all, or its
    settings name folders for it (ClamAV has none until they do).

    `signatures_at_us` is when its signatures were made, by their own header or by the time of
    their newest file; 0 while nobody can tell.  `signatures_seen_us` is since when the agent,
    as it runs now, has known them to be of that date.
    """

    product: str
    running: bool
    guarding: bool
    guard_set_up: bool = True
    signatures_at_us: Micros = 0
    signatures_seen_us: Micros = 0


class AntivirusState(Fact, frozen=True, kw_only=True, tag="antivirus"):
    """Every product that the policy's table knows, found on this machine; none is none."""

    state: ClassVar[bool] = True

    products: tuple[Product, ...]


class MalwareDetected(Fact, frozen=True, kw_only=True, tag="malware_detected"):
    """The endpoint's own anti-virus found malware in a file of this machine.

    What our own scans of media find is no such fact but `MediumScanned`, nor is what lies on
    a medium, whoever found it.  `sha256` of the content, empty where it could not be read any
    more.  The file is named by a salted hash unless the policy lets names travel; both are
    empty where the program did not say which file it was.  `logged_us` is the program's own
    time, 0 without one.
    """

    product: str
    signature: str
    sha256: str = ""
    file_hash: str = ""
    suffix: str = ""
    file_name: str = ""
    logged_us: Micros = 0
