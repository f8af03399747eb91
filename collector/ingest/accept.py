"""Whether a batch continues an agent's record: decided from values alone.

The record is a chain: each batch names the digest of the batch before.  Two machines
with one identity cannot both continue it.
"""

from enum import StrEnum

import msgspec


class Watermark(msgspec.Struct, frozen=True, kw_only=True):
    """How far an agent's record goes: the last sequence, and the digest of the batch that
    brought it.  An empty digest after a sequence means that the record was restored from
    a backup, so the batch before the next is not here to be compared with.
    """

    last: int = 0
    digest: str = ""

    @property
    def is_restored(self) -> bool:
        return self.last > 0 and not self.digest


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What of a batch decides: its range, its own digest and that of the one before, and
    whether its agent says that it lost its memory of the one before (`anew`).
    """

    first: int
    last: int
    previous: str
    digest: str
    anew: bool = False


class Outcome(StrEnum):
    """`new`, `gap` and `broken` are stored; `duplicate` gets the answer again and changes
    nothing; `fork` is another record under the same name and is refused; so is `revoked`:
    trust in its agent ended while it was on its way.

    `broken`: the same machine goes on after its spool was lost.  A copy of a machine
    cannot pass for this: its spool is whole, or its machine is another.
    """

    NEW = "new"
    GAP = "gap"
    BROKEN = "broken"
    DUPLICATE = "duplicate"
    FORK = "fork"
    REVOKED = "revoked"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """`why` says for a fork what does not fit."""

    outcome: Outcome
    why: str = ""


UNTRUSTED = Decision(outcome=Outcome.REVOKED)
"""Whatever the batch is, where trust in its agent was ended."""
STORED = frozenset({Outcome.NEW, Outcome.GAP, Outcome.BROKEN})


def accept(
    header: Header, watermark: Watermark, *, stored: str, same_machine: bool = True
) -> Decision:
    """`stored` is the digest of the batch that we hold with the same first and last
    sequence, empty where there is none; `same_machine`: as the batch before.
    """
    if stored and stored == header.digest:
        return Decision(outcome=Outcome.DUPLICATE)
    if header.first <= watermark.last:
        return Decision(
            outcome=Outcome.FORK,
            why=f"observations {header.first} to {header.last} overlap with other content "
            f"that was received under this name up to {watermark.last}",
        )
    if header.previous != watermark.digest and not watermark.is_restored:
        if header.anew and same_machine:
            return Decision(outcome=Outcome.BROKEN)
        return Decision(
            outcome=Outcome.FORK,
            why=f"the batch before it ({_short(header.previous)}) is not the last one received "
            f"under this name ({_short(watermark.digest)}, up to {watermark.last})",
        )
    if header.first > watermark.last + 1:
        return Decision(outcome=Outcome.GAP)
    return Decision(outcome=Outcome.NEW)


def advanced(watermark: Watermark, header: Header, outcome: Outcome) -> Watermark:
    """The watermark after the decision."""
    if outcome in STORED:
        return Watermark(last=header.last, digest=header.digest)
    return watermark


def _short(digest: str) -> str:
    return digest[:12] or "none"
