"""Replays that people ask for on a page: one at a time, in a process of its own at low priority,
so that neither the judge nor a page waits for it.
"""

import os
import threading
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from checks.check import discover
from checks.wire import encode
from collector.clocks import microseconds_in
from collector.compared import Asked, Said
from collector.ingest.identities import AgentSignatures
from collector.journal import SqlJournal
from collector.ports import Clock
from collector.replay import Replay
from collector.store.engine import open_journal

_NICE = 10
_ENDED = "it ended without a word"
_PATIENCE_S = 5.0


class Replays:
    """Of one collector process: what was asked last, and what came of it."""

    def __init__(self, state_dir: Path, *, clock: Clock) -> None:
        self._state_dir = state_dir
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: Asked | None = None
        self._said: Said | None = None
        self._waiting: threading.Thread | None = None
        self._process: SpawnProcess | None = None

    def start(self, text: str, *, running: str, version: int, days: int, actor: str) -> bool:
        """False when one is running."""
        with self._lock:
            if self._asked is not None and self._said is None:
                return False
            asked = Asked(
                text=text,
                running=running,
                version=version,
                days=days,
                actor=actor,
                began_us=self._clock(),
            )
            self._asked, self._said = asked, None
            here, there = get_context("spawn").Pipe(duplex=False)
            process = get_context("spawn").Process(
                target=_work, args=(there, self._state_dir, asked), daemon=True
            )
            process.start()
            self._process = process
            there.close()
            self._waiting = threading.Thread(target=self._await, args=(here,))
            self._waiting.start()
        return True

    def last(self) -> tuple[Asked, Said | None] | None:
        """None where nothing was asked; without what came of it while it is running."""
        with self._lock:
            return None if self._asked is None else (self._asked, self._said)

    def wait(self, timeout: float) -> bool:
        """Until none is running; False after `timeout` seconds."""
        with self._lock:
            waiting = self._waiting
        if waiting is not None:
            waiting.join(timeout)
        return waiting is None or not waiting.is_alive()

    def close(self) -> None:
        """Ends the one that is running."""
        process, waiting = self._process, self._waiting
        if process is not None:
            process.terminate()
            process.join(_PATIENCE_S)
        if waiting is not None:
            waiting.join()

    def _await(self, here: Connection) -> None:
        try:
            said = msgspec.json.decode(here.recv_bytes(), type=Said)
        except (EOFError, OSError, msgspec.DecodeError):
            said = Said(error=_ENDED)
        here.close()
        with self._lock:
            self._said = said


def _work(there: Connection, state_dir: Path, asked: Asked) -> None:
    """The process."""
    os.nice(_NICE)
    journal = SqlJournal(open_journal(state_dir), clock=lambda: asked.began_us)  # only read
    replay = Replay(
        journal,
        checks=discover(),
        is_signed=AgentSignatures(journal.engine).is_signed,
        scratch=state_dir,
    )
    try:
        compared = replay.compare(
            asked.running,
            asked.text,
            version=asked.version,
            from_us=asked.began_us - microseconds_in(timedelta(days=asked.days)),
            until_us=asked.began_us,
        )
        there.send_bytes(encode(Said(compared=compared)))
    except (SQLAlchemyError, OSError) as failed:
        there.send_bytes(encode(Said(error=str(failed)[:500])))
