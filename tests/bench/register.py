"""How fast a medium is found in a large register, and how long an agent's answer takes.

The register is in a store on disk, filled by the judge from one import; media are looked up
in random order, half of them by key and half by serial number.
"""

import random
import tempfile
import time
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from checks.check import discover
from checks.facts.media import Medium
from checks.facts.media_register import RegisteredMedium
from checks.policy import Policy, parse_policy
from checks.wire import encode
from collector.entries import EntryKind, MediaChanged
from collector.judge import Judge
from collector.media.answers import Standings
from collector.queries.register import StoredMedia
from collector.store import schema
from collector.store.engine import open_store
from tests.bench.figures import Figure
from tests.fakes.journal import MemoryJournal, RecordedChanges
from tests.samples import NOW_US, STICK

MEDIA = 200_000
FEW = 20_000
LOOKUPS = 5_000
SEED = 20_261_123


class OnePolicy:
    """Fits PolicySource."""

    def __init__(self) -> None:
        self._policy = parse_policy("", version=1)

    def current(self) -> Policy:
        return self._policy

    def text(self) -> str:
        return ""

    def apply(self, text: str, *, actor: str, over: int | None = None) -> Policy:
        raise NotImplementedError


def measure(*, small: bool = False) -> list[Figure]:
    """Three figures for the table of `make bench`."""
    media = FEW if small else MEDIA
    load = f"{media:,} registered media, half by key, half by serial number"
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder))
        schema.store.create_all(store)
        imported = _import(store, media)
        known = StoredMedia(store)
        chosen = _chosen(media)
        began = time.perf_counter()
        found = sum(known.line_for(medium) is not None for medium in chosen)
        looked_up = time.perf_counter() - began
        assert found == len(chosen)
        signer = Ed25519PrivateKey.generate()
        standings = Standings(store, OnePolicy(), signer, clock=lambda: NOW_US)
        began = time.perf_counter()
        for medium in chosen[: LOOKUPS // 10]:
            standings.answer(medium, "agent-1")
        answered = time.perf_counter() - began
        store.dispose()
    return [
        Figure(
            name="register.lookup_us",
            value=round(looked_up / len(chosen) * 1e6),
            unit="us",
            n=len(chosen),
            load=load,
        ),
        Figure(
            name="register.answer_us",
            value=round(answered / (LOOKUPS // 10) * 1e6),
            unit="us",
            n=LOOKUPS // 10,
            load=f"{load}, signed",
        ),
        Figure(
            name="register.import_per_s",
            value=round(media / imported),
            unit="media/s",
            n=media,
            load="one import, judged",
        ),
    ]


def _import(store: Engine, media: int) -> float:
    """Seconds from the journal's entry until the register is in force."""
    journal = MemoryJournal()
    lines = tuple(_line(number) for number in range(media))
    done = MediaChanged(act="import", actor="bench", lines=lines)
    journal.append(EntryKind.MEDIA, encode(done))
    judge = Judge(
        journal=journal,
        store=store,
        changes=RecordedChanges(),
        checks=discover(),
    )
    began = time.perf_counter()
    while judge.step():
        pass
    return time.perf_counter() - began


def _line(number: int) -> RegisteredMedium:
    by_key = number % 2 == 0
    return RegisteredMedium(
        number=f"M-{number:06}",
        key=f"key-{number}" if by_key else "",
        serial=f"S{number}",
        vendor_id="0951",
        owner=f"owner {number % 977}",
        department=f"department {number % 61}",
    )


def _chosen(media: int) -> list[Medium]:
    chance = random.Random(SEED)
    numbers = [chance.randrange(media) for _ in range(LOOKUPS)]
    return [
        msgspec.structs.replace(STICK, key=f"key-{number}", serial=f"S{number}")
        for number in numbers
    ]
