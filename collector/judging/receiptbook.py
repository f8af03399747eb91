"""Scan receipts as the entries tell of them: issued by stations, revoked by people, doubted
where malware was found later.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from checks.facts import Fact
from checks.facts.media import MediumScanned
from checks.facts.receipts import ReceiptIssued, ScanReceipt, SignedReceipt
from checks.policy.spans import span
from checks.receipts import signed_octets
from collector.entries import Revoked
from collector.judging.media import KEY_LIMIT
from collector.judging.memory import Memory
from collector.judging.receipts import (
    LedgerReceipt,
    ReceiptSource,
    Revocation,
    by_base,
    ended,
    ended_at_birth,
    is_about,
    why_not_believed,
)
from collector.judging.tally import Tally

IsSigned = Callable[[str, bytes, bytes], bool | None]
"""Whether this agent signed the message, None where nobody of this name is enrolled."""
DOUBTS = "MED-03"
"""The rule that a medium without a receipt is judged by: what it does not know for a receipt
that is not believed stands under its name."""
_US_PER_SECOND = 1_000_000


class ReceiptBook:
    """Tallies rows of the ledger.  What is committed is asked of `known`; what this step moved
    lies over it.
    """

    def __init__(
        self, memory: Memory, tally: Tally, known: ReceiptSource, *, is_signed: IsSigned
    ) -> None:
        self._memory = memory
        self._tally = tally
        self._known = known
        self._is_signed = is_signed

    def take(self, agent: str, fact: Fact, *, at_us: int, received_us: int) -> None:
        """What this fact tells of receipts; most tell nothing."""
        if isinstance(fact, ReceiptIssued):
            self._issued(agent, fact.signed, at_us=at_us, received_us=received_us)
        if isinstance(fact, MediumScanned) and fact.verdict == "infected":
            self._infected(agent, fact.medium.key, min(at_us, received_us))

    def revoked(self, entry: int, done: Revoked, at_us: int) -> None:
        """A person revoked some, and with them what rests on them."""
        revocation = Revocation(entry=entry, at_us=at_us, done=done)
        self._tally.revocations.append(revocation)
        self._keep(*(ended(one, revocation) for one in self._covered(done, at_us)))

    def in_force(
        self, medium: str, at_us: int, counts: Callable[[str], bool]
    ) -> SignedReceipt | None:
        """The newest receipt that nothing speaks against, of a station that `counts`."""
        counted = (one for one in self._open_of(medium, at_us) if counts(one.receipt.station))
        newest = max(counted, key=lambda one: one.made_us, default=None)
        return newest.signed if newest else None

    def last_clean_us(self, medium: str) -> int:
        """When the newest full scan that found it clean began, 0 for never."""
        moved = (
            one.made_us
            for one in self._tally.receipts.values()
            if one.receipt.medium == medium and one.receipt.how == "full" and _was_clean(one)
        )
        return max([self._known.last_clean_us(medium), *moved])

    # ----------------------------------------------------------------------- what is told

    def _issued(self, agent: str, signed: SignedReceipt, *, at_us: int, received_us: int) -> None:
        if self._one(signed.receipt.id) is not None:
            return  # told again
        receipt = signed.receipt
        base = self._one(receipt.extends) if receipt.extends else None
        why = why_not_believed(
            signed,
            told_by=agent,
            is_signed=self._signature_of(agent, signed),
            base=base.receipt if base else None,
            received_us=received_us,
        )
        if why:
            self._tally.add_unknown(agent, DOUBTS, at_us, why)
            return
        self._keep(
            ended_at_birth(
                LedgerReceipt(
                    signed=signed, expires_us=self._expiry(receipt), received_us=received_us
                ),
                base=base,
                revocations=[*self._known.revocations_about(receipt), *self._tally.revocations],
                infected_us=self._infected_us(receipt.medium),
            )
        )

    def _infected(self, agent: str, medium: str, at_us: int) -> None:
        if not 0 < len(medium) <= KEY_LIMIT:
            return
        if at_us > self._infected_us(medium):
            self._tally.media_infected[medium] = (at_us, agent)
        self._keep(
            *(
                msgspec.structs.replace(one, ended_us=at_us, ended_by="infected")
                for one in self._open_of(medium, at_us=0)
                if one.made_us <= at_us
            )
        )

    # -------------------------------------------------------- what is committed, and moved

    def _keep(self, *changed: LedgerReceipt) -> None:
        """And what extends one that ended ends with it."""
        self._tally.receipts.update({one.id: one for one in changed})
        bases = {one.id: one for one in changed if one.ended_us}
        while bases:
            ending = [by_base(one, bases[one.receipt.extends]) for one in self._extending(bases)]
            bases = {one.id: one for one in ending}
            self._tally.receipts.update(bases)

    def _one(self, named: str) -> LedgerReceipt | None:
        return self._tally.receipts.get(named) or self._known.receipt(named)

    def _open_of(self, medium: str, at_us: int) -> list[LedgerReceipt]:
        return self._laid_over(
            self._known.open_of(medium, at_us),
            lambda one: one.receipt.medium == medium and at_us < one.expires_us,
        )

    def _covered(self, done: Revoked, until_us: int) -> list[LedgerReceipt]:
        return self._laid_over(
            self._known.covered(done, until_us),
            lambda one: is_about(done, one, until_us=until_us),
        )

    def _extending(self, bases: Mapping[str, LedgerReceipt]) -> list[LedgerReceipt]:
        return self._laid_over(
            self._known.extending(tuple(bases)), lambda one: one.receipt.extends in bases
        )

    def _laid_over(
        self, stored: Iterable[LedgerReceipt], wanted: Callable[[LedgerReceipt], bool]
    ) -> list[LedgerReceipt]:
        """Those that nothing ended, by what this step knows."""
        moved = self._tally.receipts
        fresh = [one for one in moved.values() if not one.ended_us and wanted(one)]
        return [*fresh, *(one for one in stored if one.id not in moved)]

    def _infected_us(self, medium: str) -> int:
        moved, _ = self._tally.media_infected.get(medium, (0, ""))
        return max(moved, self._known.infected_us(medium))

    def _expiry(self, receipt: ScanReceipt) -> int:
        life = span(self._memory.policy.scanning.receipt_life)
        longest_us = receipt.scanned_us + int(life.total_seconds()) * _US_PER_SECOND
        return min(receipt.expires_us, longest_us)

    def _signature_of(self, agent: str, signed: SignedReceipt) -> bool | None:
        try:
            signature = bytes.fromhex(signed.signature)
        except ValueError:
            return False
        return self._is_signed(agent, signed_octets(signed.receipt), signature)


def _was_clean(one: LedgerReceipt) -> bool:
    """Whatever was found afterwards; a scan that somebody revoked proves nothing."""
    return one.ended_by in ("", "infected")
