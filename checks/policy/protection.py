"""The endpoint's own anti-virus: which programs there are, and who may do without."""

from typing import Literal

import msgspec

from checks.policy.allowlist import Subject


class KnownAntivirus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An anti-virus program by the file names that it runs under (`*` allowed).

    `guards` are those of its programs that look at files as they are used; empty where the
    main one does.  `places` are files or folders that are there where it is installed, and
    `signatures` those of its signatures, whose newest tells their date (`*` allowed in both).
    `settings` is the way of its settings that we can read: `clamd` is clamd.conf(5).
    """

    product: str
    programs: tuple[str, ...]
    guards: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    settings: Literal["", "clamd"] = ""


class Antivirus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`known` is laid over the table of the defaults by `product`.  `exempt` may do without:
    devices whose maker allows none.  `real_time`: a program that has no real-time protection,
    or was never set up to use it, is not enough.
    """

    known: tuple[KnownAntivirus, ...] = ()
    real_time: bool = False
    exempt: tuple[Subject, ...] = ()
