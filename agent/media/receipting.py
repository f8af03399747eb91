"""Receipts at work: what a scan may lean on, and the receipts that are made here.

What counts is the collector's own word about the medium, asked for anew for each insertion;
while it cannot be reached, its last word.  Everything here may take its time and is called on
the threads that scan.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from agent.media.manifest import (
    Manifest,
    NoManifest,
    fingerprint_of,
    opened,
    packed,
    unpacked_octets,
)
from agent.media.manifests import Manifests
from agent.media.receipts import (
    NO_RECEIPTS,
    Assembly,
    Base,
    Marked,
    Rules,
    manifest_of,
    receipt_of,
)
from agent.media.standings import SignedStanding, StandingRefused, Standings
from agent.media.watched import ScanJob
from agent.transport import BatchRefused, Busy, Forked, NotBelieved, TransportDown
from checks.facts.media import Medium
from checks.facts.receipts import ReceiptIssued, ScanReceipt, SignedReceipt
from checks.receipts import (
    MANIFEST_LIMIT_BYTES,
    is_rightly_named,
    signed_octets,
    why_not_current,
)

_UNANSWERED = (TransportDown, Busy, NotBelieved, Forked, BatchRefused)
_log = logging.getLogger("wardwatch.receipts")


class Courier(Protocol):
    """What is asked of the transport; all raise TransportDown, Busy, NotBelieved, Forked and
    BatchRefused.
    """

    def ask_about(self, medium: Medium) -> SignedStanding: ...

    def fetch_manifest(self, receipt: str) -> bytes | None: ...

    def send_manifest(self, receipt: str, body: bytes) -> None: ...


class Station(Protocol):
    """Who scans here: its id, and its Ed25519 signature."""

    @property
    def agent(self) -> str: ...

    def sign(self, message: bytes) -> bytes: ...


class Receipts:
    """`wall_us` gives microseconds since the epoch.  The sensors set `rules`, and `assembly` is theirs."""

    def __init__(
        self,
        *,
        station: Station,
        standings: Standings,
        manifests: Manifests,
        courier: Courier,
        wall_us: Callable[[], int],
    ) -> None:
        self._station = station
        self._standings = standings
        self._manifests = manifests
        self._courier = courier
        self._wall_us = wall_us
        self._own: dict[str, tuple[str, ScanReceipt]] = {}
        self.rules: Rules = NO_RECEIPTS
        self.assembly = Assembly()

    def base_for(self, job: ScanJob) -> Base | None:
        """What the scan of this file system may lean on, None when everything is scanned."""
        if not self.rules.wanted or job.about is None or not job.place:
            return None
        receipt = self._receipt_for(job, job.about)
        if receipt is None or receipt.medium != job.medium or not is_rightly_named(receipt):
            return None
        if why := self._why_not(receipt):
            _log.info("a receipt does not count", extra={"receipt": receipt.id, "reason": why})
            return None
        manifest = self._manifest_of(receipt)
        part = manifest.part(job.place) if manifest else None
        if manifest is None or part is None or (self.rules.strict and not part.strict):
            return None
        return Base(receipt, manifest)

    def issue(self, parts: Sequence[Marked]) -> ReceiptIssued | None:
        """The receipt of a medium whose file systems are these, None where there can be none.
        Its manifest is on its way to the collector before the receipt is.
        """
        octets = unpacked_octets(manifest_of(parts))
        receipt = receipt_of(
            parts,
            fingerprint=fingerprint_of(octets),
            station=self._station.agent,
            life_us=self.rules.life_us,
        )
        body = packed(octets)
        why = "too_many_files" if len(body) > MANIFEST_LIMIT_BYTES else self._why_not(receipt)
        if why or not self._is_kept(receipt.id, body):
            _log.info("no receipt", extra={"medium": receipt.medium, "reason": why or "disk"})
            return None
        self._own[receipt.medium] = (parts[0].job.insertion, receipt)
        self._send_manifests()
        signature = self._station.sign(signed_octets(receipt)).hex()
        return ReceiptIssued(signed=SignedReceipt(receipt=receipt, signature=signature))

    def _receipt_for(self, job: ScanJob, medium: Medium) -> ScanReceipt | None:
        insertion, own = self._own.get(job.medium, ("", None))
        if job.again and own is not None and insertion == job.insertion:
            return own  # made a moment ago; the collector may not have it yet
        try:
            self._standings.keep(self._courier.ask_about(medium))
        except (*_UNANSWERED, StandingRefused, OSError) as unanswered:
            _log.info("the collector's last word counts", extra={"reason": str(unanswered)})
        standing = self._standings.of(job.medium)
        signed = standing.receipt if standing else None
        return signed.receipt if signed else None

    def _why_not(self, receipt: ScanReceipt) -> str:
        return why_not_current(
            receipt,
            now_us=self._wall_us(),
            signatures_max_us=self.rules.signatures_max_us,
            life_us=self.rules.life_us,
        )

    def _manifest_of(self, receipt: ScanReceipt) -> Manifest | None:
        for fetch in (self._manifests.get, self._fetched):
            body = fetch(receipt.id)
            try:
                if body is not None:
                    return opened(body, receipt.fingerprint)
            except NoManifest as wrong:
                _log.warning("a manifest is refused", extra={"reason": str(wrong)})
        return None

    def _fetched(self, receipt: str) -> bytes | None:
        try:
            body = self._courier.fetch_manifest(receipt)
        except _UNANSWERED as unanswered:
            _log.info("no manifest", extra={"receipt": receipt, "reason": str(unanswered)})
            return None
        if body is not None:
            self._is_kept(receipt, body, sent=True)
        return body

    def _is_kept(self, receipt: str, body: bytes, *, sent: bool = False) -> bool:
        try:
            self._manifests.put(receipt, body, sent=sent)
        except OSError as full:
            _log.warning("a manifest is not kept", extra={"reason": str(full)})
            return False
        return True

    def _send_manifests(self) -> None:
        """Also those that an earlier attempt left; the next receipt is the next attempt."""
        for receipt in list(self._manifests.unsent()):
            body = self._manifests.get(receipt)
            try:
                if body is not None:
                    self._courier.send_manifest(receipt, body)
            except BatchRefused as refused:
                _log.error("a manifest is not taken", extra={"reason": str(refused)})
            except _UNANSWERED as down:
                _log.info("a manifest waits", extra={"receipt": receipt, "reason": str(down)})
                return
            self._manifests.sent(receipt)
