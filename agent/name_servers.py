"""Questions to name servers, told once at once and then counted.  Pure and bounded.

`now` is a monotonic clock in seconds, `at_us` the wall clock in microseconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from checks.facts.base import Process, UnknownProcess
from checks.facts.connections import Egress
from checks.facts.names import NameServerUsed, NameTransport

ASKERS_KEPT, QUESTIONS_KEPT = 512, 2048


class Question(NamedTuple):
    """The flow of a question, so that its answer is known; addresses packed."""

    protocol: int
    server: bytes
    server_port: int
    local: bytes
    local_port: int


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks whom which way."""

    server: str
    transport: NameTransport
    egress: Egress
    process: Process | UnknownProcess

    @property
    def alike(self) -> tuple[object, ...]:
        """What is counted together: not the pid, a script has a new one each time."""
        process = self.process
        who = (
            (process.executable or process.name, process.uid)
            if isinstance(process, Process)
            else (process.why, process.uid)
        )
        return (self.server, self.transport, self.egress, *who)


class _Count:
    """`queries` are those not told yet."""

    __slots__ = ("answered", "asker", "due", "first_us", "queries", "told")

    def __init__(self, asker: Asker, at_us: int, due: float) -> None:
        self.asker = asker
        self.first_us = at_us
        self.due = due
        self.queries = 0
        self.answered = False
        self.told = False


class NameServers:
    """`patience`: how long an answer may take; `window`: how long equal questions are
    counted together.  Both in seconds.
    """

    def __init__(self, *, patience: float, window: float) -> None:
        self.patience = patience
        self.window = window
        self._counts: dict[tuple[object, ...], _Count] = {}
        self._questions: dict[Question, tuple[object, ...]] = {}

    def knows(self, question: Question) -> bool:
        """Whether this flow is counted already: its asker need not be found again."""
        return self._questions.get(question) in self._counts

    def asked_again(self, question: Question) -> None:
        """One more question of a flow that is known."""
        self._counts[self._questions[question]].queries += 1

    def asked(
        self, question: Question, asker: Asker, at_us: int, now: float
    ) -> Iterator[NameServerUsed]:
        """A question of a flow that is not known."""
        alike = asker.alike
        count = self._counts.get(alike)
        if count is None:
            if len(self._counts) >= ASKERS_KEPT:
                yield from _told(self._counts.pop(next(iter(self._counts))))
            count = self._counts[alike] = _Count(asker, at_us, now + self.patience)
        count.queries += 1
        if len(self._questions) >= QUESTIONS_KEPT:
            del self._questions[next(iter(self._questions))]
        self._questions[question] = alike

    def answered(self, question: Question, now: float) -> Iterator[NameServerUsed]:
        """The first answer is told at once."""
        count = self._counts.get(self._questions.get(question, ()))
        if count is not None and not count.answered:
            count.answered = True
            count.queries = max(count.queries, 1)
            count.due = now + self.window
            yield from _told(count)

    def overdue(self, now: float) -> Iterator[NameServerUsed]:
        """What nobody answered, and counts whose window has ended."""
        for alike in [alike for alike, count in self._counts.items() if count.due <= now]:
            count = self._counts[alike]
            ended = count.told
            yield from _told(count)
            if ended:
                del self._counts[alike]
            else:
                count.due = now + self.window

    def deadline(self) -> float | None:
        """When `overdue` is wanted next."""
        return min((count.due for count in self._counts.values()), default=None)


def _told(count: _Count) -> Iterator[NameServerUsed]:
    count.told = True
    if count.queries:
        asker, queries = count.asker, count.queries
        count.queries = 0
        yield NameServerUsed(
            server=asker.server,
            transport=asker.transport,
            answered=count.answered,
            egress=asker.egress,
            process=asker.process,
            first_seen_us=count.first_us,
            queries=queries,
        )
