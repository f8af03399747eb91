"""kill -9 of the real collector at random points while signed batches flow."""

import os
import random
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from checks.wire import decode_batch
from collector.packing import unpacked
from tests.free_port import free_port
from tests.sender import RealCollector, Sender

KILLS = int(os.environ.get("WARDWATCH_KILLS", "100"))
SEED = 20261122
LONGEST_LIFE_S = 0.25
OBSERVATIONS = 20


class Feeder(threading.Thread):
    """Sends batch after batch; a batch without an answer is sent again as it was."""

    def __init__(self, client: httpx.Client, sender: Sender) -> None:
        super().__init__()
        self._client = client
        self._sender = sender
        self.stopping = threading.Event()
        self.acknowledged = 0
        self.repeated = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        while not self.stopping.is_set() and not self.wrong:
            body = self._sender.seal(OBSERVATIONS)
            if self._deliver(body):
                self._sender.took(body, OBSERVATIONS)
                self.acknowledged = self._sender.last

    def _deliver(self, body: bytes) -> bool:
        headers = self._sender.headers(body)
        while not self.stopping.is_set():
            try:
                answer = self._client.post("/agent/v1/batches", content=body, headers=headers)
            except httpx.TransportError:
                self.repeated += 1
                self.stopping.wait(0.01)
                continue
            if answer.status_code == 200:
                return True
            if answer.status_code != 503:
                self.wrong.append(answer.text)
                return False
        return False


@pytest.mark.timeout(900)
def test_every_acknowledged_observation_is_in_the_journal_once_after_100_kills(
    tmp_path: Path,
) -> None:
    chance = random.Random(SEED)
    collector = RealCollector(tmp_path, free_port())
    collector.initialise()
    collector.start()
    with collector.client() as client, collector.client() as watch:
        collector.wait(watch)
        feeder = Feeder(client, collector.enrol(watch, "ward3-pc1"))
        feeder.start()
        for _ in range(KILLS):
            feeder.stopping.wait(chance.uniform(0, LONGEST_LIFE_S))
            collector.kill()
            collector.start()
            collector.wait(watch)
        feeder.stopping.wait(0.5)
        feeder.stopping.set()
        feeder.join()
        status = collector.stop()

    journalled = _sequences(collector.state / "journal.sqlite3")
    assert feeder.wrong == []
    assert feeder.acknowledged > KILLS
    assert feeder.repeated > 0
    assert journalled == list(range(1, len(journalled) + 1))
    assert feeder.acknowledged <= len(journalled) <= feeder.acknowledged + OBSERVATIONS
    assert status == 0
    assert "0 faults" in collector.command("verify")


def _sequences(journal: Path) -> list[int]:
    with closing(sqlite3.connect(journal)) as database:
        bodies = database.execute("SELECT body FROM entries WHERE kind = 'batch' ORDER BY id")
        return [
            one.sequence
            for (body,) in bodies
            for one in decode_batch(unpacked(body, limit=1 << 25)).batch.observations
        ]
