"""What the collector's rooms ask of one another."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec
from sqlalchemy import Engine

from checks.policy import Policy
from collector.alerts.links import Links
from collector.compared import Asked, Said
from collector.entries import EntryKind

Clock = Callable[[], int]
"""Wall clock, microseconds since the epoch."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the journal; `body` as it came (a batch: zstd bytes)."""

    id: int
    kind: EntryKind
    agent: str = ""
    first: int = 0
    last: int = 0
    received_us: int
    digest: str = ""
    signature: bytes = b""
    body: bytes


class Journal(Protocol):
    """Append only.  What `append` returned from is on disk."""

    def append(self, kind: EntryKind, body: bytes, *, agent: str = "") -> int:
        """The new entry's id, after it is durable."""

    def append_all(self, kind: EntryKind, bodies: Sequence[bytes]) -> Sequence[int]:
        """Ids of the new entries, in order, after all are durable; all or none."""

    def after(self, entry: int, limit: int) -> Sequence[Entry]:
        """The next entries in order."""

    def wait_beyond(self, entry: int, timeout: float) -> bool:
        """Blocks until an entry with a greater id is there; False after `timeout` s."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What one committed step of the judge or the mailer changed."""

    cases: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    entry: int = 0


class ChangesEnded(Exception):
    """The collector stops: nothing will be told any more."""


class Changes(Protocol):
    """Tells open dashboards and API streams; never blocks the teller."""

    def publish(self, change: Change) -> None: ...

    def subscribe(self) -> "Subscription": ...

    def wait_for_entry(self, entry: int, timeout: float) -> bool:
        """Until the judge has committed this entry of the journal (or the time is up)."""


class Subscription(Protocol):
    """One listener on the event loop; a slow one gets changes merged, never lost."""

    async def next(self) -> Change:
        """Raises ChangesEnded."""

    def close(self) -> None: ...


class PolicySource(Protocol):
    """The policy that judges now, and how it came to be."""

    def current(self) -> Policy: ...

    def text(self) -> str: ...

    def apply(self, text: str, *, actor: str, over: int | None = None) -> Policy:
        """Raises PolicyError, and `collector.policies.PolicyChanged` when another version
        than `over` is in force; journals and returns the new policy with its version.
        """


class Acts(Protocol):
    """What people may do to cases; each returns when the judge has done it."""

    def on_case(  # noqa: PLR0913 - an act, by name
        self,
        case: str,
        act: str,
        *,
        actor: str,
        reason: str = "",
        to: str = "",
        within: str = "",
    ) -> None:
        """Raises `collector.cases.ActRefused` with the reason in words."""

    def on_cases(  # noqa: PLR0913 - an act, by name
        self,
        cases: Iterable[str],
        act: str,
        *,
        actor: str,
        reason: str = "",
        to: str = "",
        within: str = "",
    ) -> None: ...


class Replays(Protocol):
    """What another policy would have made of the past: one at a time."""

    def start(self, text: str, *, running: str, version: int, days: int, actor: str) -> bool: ...

    def last(self) -> tuple[Asked, Said | None] | None: ...


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What the dashboard and the API are given by `collector.app`."""

    journal: Journal
    journal_engine: Engine
    store_engine: Engine
    policies: PolicySource
    acts: Acts
    changes: Changes
    clock: Clock
    replays: Replays
    links: Links
    base_url: str
    version: str
    mails: bool = True
    """Whether a mail server is set: without one alerts wait."""
    wall_names: bool = False
    """Whether the wall tells names of people."""
