"""What people do to scan receipts: looked at, journalled, in force when it returns."""

from collections.abc import Mapping
from typing import Protocol

from checks.wire import encode
from collector.entries import EntryKind, Revoked, RevokedWhat
from collector.judging.receipts import LedgerReceipt
from collector.media.acts import NO_REASON, PATIENCE_S, MediumRefused, Waiting, check_text
from collector.ports import Journal

NO_SUCH_RECEIPT = "There is no receipt {receipt}"
NO_SUCH_STATION = "There is no endpoint {endpoint}"
TWO_STATIONS = "Several endpoints are called {endpoint}; give the id"
NOTHING_NAMED = "Please say what is revoked"
SHOWN = 64


class Receipts(Protocol):
    def receipt(self, named: str) -> LedgerReceipt | None: ...


class ReceiptActs:
    """`endpoints` are ids and names; `changes` waits for the judge where it works in this
    process.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        known: Receipts,
        endpoints: Mapping[str, str],
        changes: Waiting | None = None,
    ) -> None:
        self._journal = journal
        self._known = known
        self._endpoints = endpoints
        self._changes = changes

    def revoke(
        self, what: RevokedWhat, subject: str, *, actor: str, reason: str, since_us: int = 0
    ) -> bool:
        """One receipt by its id; what an endpoint (its id or name) made from `since_us` until
        now; or all that was made with this version of signatures, also later.  Whether it is
        in force.

        Raises:
            MediumRefused: nothing was changed.
        """
        subject = subject.strip()
        if not subject:
            raise MediumRefused(NOTHING_NAMED)
        if not reason.strip():
            raise MediumRefused(NO_REASON)
        check_text("reason", reason)
        check_text(what, subject)
        if what == "receipt" and self._known.receipt(subject) is None:
            raise MediumRefused(NO_SUCH_RECEIPT, receipt=subject[:SHOWN])
        if what == "station":
            subject = self._station(subject)
        done = Revoked(
            what=what, subject=subject, actor=actor, reason=reason.strip(), since_us=since_us
        )
        entry = self._journal.append(EntryKind.RECEIPTS, encode(done))
        return self._changes is not None and self._changes.wait_for_entry(entry, PATIENCE_S)

    def _station(self, named: str) -> str:
        if named in self._endpoints:
            return named
        found = [agent for agent, name in self._endpoints.items() if name == named]
        if not found:
            raise MediumRefused(NO_SUCH_STATION, endpoint=named[:SHOWN])
        if len(found) > 1:
            raise MediumRefused(TWO_STATIONS, endpoint=named[:SHOWN])
        return found[0]
