"""What people do to the endpoint register: looked at, journalled as one act, or refused whole."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from checks.policy import Endpoint
from checks.wire import encode
from collector.columns import TOO_LONG, UNPRINTABLE
from collector.endpoints.columns import LEVELS
from collector.entries import EntryKind, Registered
from collector.ports import Journal

TEXT_LIMIT = 120
GROUPS_LIMIT = 50
PATIENCE_S = 5.0
NO_NAME = "An endpoint needs a name"
NO_LEVEL = "The protection level is 2 or 3"
_TEXTS = ("name", "department", "owner", "phone", "place", "zone", "clinical", "groups")


class EndpointRefused(Exception):
    """`message` is a catalogue id, `params` what fills it."""

    def __init__(self, message: str, **params: str) -> None:
        super().__init__(message.format(**params))
        self.message = message
        self.params = params


class Waiting(Protocol):
    def wait_for_entry(self, entry: int, timeout: float) -> bool: ...


class EndpointActs:
    """`changes` waits for the judge where it works in this process, or beside it."""

    def __init__(self, *, journal: Journal, changes: Waiting) -> None:
        self._journal = journal
        self._changes = changes

    def change(self, line: Endpoint, *, actor: str, reason: str = "") -> bool:
        """The line of an endpoint that is enrolled, anew; whether it is in force.

        Raises:
            EndpointRefused: nothing was changed.
        """
        for message, params in faults(line):
            raise EndpointRefused(message, **params)
        return self._journalled(Registered(endpoint=line, actor=actor, reason=reason.strip()))

    def take_in(self, lines: Sequence[Endpoint], *, actor: str, reason: str = "") -> bool:
        """Many lines that were looked at before (`collector.endpoints.imports`), at once;
        whether they are in force.
        """
        if not lines:
            return True
        first, *others = lines
        done = Registered(endpoint=first, actor=actor, others=tuple(others), reason=reason.strip())
        return self._journalled(done)

    def _journalled(self, done: Registered) -> bool:
        agent = "" if done.others else done.endpoint.id
        entry = self._journal.append(EntryKind.REGISTER, encode(done), agent=agent)
        return self._changes.wait_for_entry(entry, PATIENCE_S)


def faults(line: Endpoint) -> Iterator[tuple[str, dict[str, str]]]:
    """Why a line cannot stand in the register: catalogue ids, and what fills them."""
    if not line.name:
        yield NO_NAME, {}
    if line.protection_level not in LEVELS:
        yield NO_LEVEL, {}
    for name in _TEXTS:
        value = getattr(line, name)
        texts = value if isinstance(value, tuple) else (value,)
        if any(len(text) > TEXT_LIMIT for text in texts) or len(texts) > GROUPS_LIMIT:
            yield TOO_LONG, {"field": name, "limit": str(TEXT_LIMIT)}
        elif not all(text.isprintable() for text in texts):
            yield UNPRINTABLE, {"field": name}
