"""Scan before use: what is done with a medium until it was scanned."""

from typing import Annotated, Literal

import msgspec

ScanMode = Literal["observe", "warn", "hold"]
"""Observe: mounted as usual, its first use is told.  Warn: the user is told, too.  Hold:
nobody but the agent reads it before it is released; clinical endpoints are never held."""


class Scanning(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mode` where the zone has none of its own.  A receipt is good for `receipt_life` and
    as long as its signatures are; with `receipts` off every medium is scanned whole.
    `recheck`: `strict` reads every octet again before a receipt is believed, `sampled`
    reads small files, and unpredictable parts of large ones.  `sample` unchanged files are
    scanned again besides those that changed.  `quarantine`: infected files are moved on the
    medium's own host.  `stations` (ids, names or groups of endpoints) are import stations, where media
    from outside may be put in; at those under `fixed_keyboards` every new keyboard counts.
    Receipts count that were made at `receipts_of` (written as `stations`), at every endpoint
    where none is named.
    """

    mode: ScanMode = "observe"
    receipts: bool = True
    receipt_life: str = "30d"
    receipts_of: tuple[str, ...] = ()
    recheck: Literal["sampled", "strict"] = "sampled"
    sample: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 16
    quarantine: bool = False
    stations: tuple[str, ...] = ()
    fixed_keyboards: tuple[str, ...] = ()
