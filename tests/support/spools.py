"""A spool with a clock and a key of the test's own."""

from collections.abc import Sequence
from pathlib import Path

from nacl.signing import SigningKey

from agent.compression import unpack
from agent.records import Importance, Moment, Record
from agent.sealing import Sealed, Sealer
from agent.spool import Spool
from checks.facts import Fact
from checks.facts.media import Medium, MediumDetached
from checks.wire import Batch, decode_batch

KEY = SigningKey(bytes(range(32)))
NOW = Moment(1_000_000, 500)
ROOMY = 10_000_000


def open_spool(folder: Path, *, limit_bytes: int = ROOMY, agent: str = "agent-1") -> Spool:
    sealer = Sealer(
        agent=agent,
        machine="machine-1",
        sign=lambda message: KEY.sign(message).signature,
        clock=lambda: NOW.at_us,
    )
    return Spool(
        folder / "spool.db",
        boot="boot-1",
        sealer=sealer,
        now=lambda: NOW,
        limit_bytes=limit_bytes,
    )


def fact(key: str) -> MediumDetached:
    return MediumDetached(medium=Medium(key=key, kind="stick", bus="usb"))


def record(
    key: str, *, importance: Importance = Importance.EVENT, at_us: int = NOW.at_us
) -> Record:
    return Record(
        sensor="scripted", fact=fact(key), moment=Moment(at_us, at_us), importance=importance
    )


def read(sealed: Sealed | None) -> Batch:
    assert sealed is not None
    return decode_batch(unpack(sealed.body)).batch


def facts_of(sealed: Sealed | None) -> Sequence[Fact]:
    return [observation.fact for observation in read(sealed).observations]


def keys_of(sealed: Sealed | None) -> Sequence[str]:
    return [f.medium.key for f in facts_of(sealed) if isinstance(f, MediumDetached)]
