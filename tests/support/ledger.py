"""A collector's ledger of receipts in memory, for sensors without a collector.

What it promises is the real one's: `tests/e2e/test_receipts.py` plays the same with both ends
real.
"""

import time
from pathlib import Path

import msgspec
from nacl.signing import SigningKey

from agent.media.manifests import Manifests
from agent.media.receipting import Receipts
from agent.media.standings import SignedStanding, Standings
from agent.transport import TransportDown
from checks.facts.media import Medium
from checks.facts.media_register import MediumStanding
from checks.facts.receipts import ReceiptIssued, SignedReceipt


class Ledger:
    """Fits `agent.media.receipting.Courier`."""

    def __init__(self) -> None:
        self.receipts: dict[str, SignedReceipt] = {}
        self.manifests: dict[str, bytes] = {}
        self.down = False

    def takes(self, issued: ReceiptIssued) -> None:
        self.receipts[issued.signed.receipt.medium] = issued.signed

    def revoke(self, medium: str) -> None:
        del self.receipts[medium]

    def ask_about(self, medium: Medium) -> SignedStanding:
        self._reach()
        standing = MediumStanding(key=medium.key, receipt=self.receipts.get(medium.key))
        return SignedStanding(key=medium.key, body=msgspec.json.encode(standing), signature=b"")

    def fetch_manifest(self, receipt: str) -> bytes | None:
        self._reach()
        return self.manifests.get(receipt)

    def send_manifest(self, receipt: str, body: bytes) -> None:
        self._reach()
        self.manifests[receipt] = body

    def _reach(self) -> None:
        if self.down:
            raise TransportDown("not now")


class Believing:
    """Whose word is whose is `agent.media.standings`' affair."""

    def is_from_collector(self, _message: bytes, _signature: bytes) -> bool:
        return True


class Station:
    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.key = SigningKey.generate()

    def sign(self, message: bytes) -> bytes:
        return self.key.sign(message).signature


def receipts_at(folder: Path, ledger: Ledger, station: Station) -> Receipts:
    """What an agent with this state folder and this identity has."""
    return Receipts(
        station=station,
        standings=Standings(folder / "media.json", Believing()),
        manifests=Manifests(folder),
        courier=ledger,
        wall_us=lambda: time.time_ns() // 1000,
    )
