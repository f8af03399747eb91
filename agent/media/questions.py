"""What the engine is asked: several files in flight, and once more what it failed at.

An answer that is an error is asked for again.  Where the connection ends, nobody knows on which of
the files: each of them is asked alone, and what ends it a second time is counted as an error.
"""

from collections.abc import Callable

from agent.media.engine import Engine, EngineSession, EngineUnavailable, FileVerdict
from agent.system.tree import OpenFile

FAILED = FileVerdict("skipped", "engine_error")
_ENDS_MOST = 8
"""Connections that end with no answer between them, until the engine counts as lost."""


class Questions:
    """The files are the asker's again when they are answered, and at the end.

    All but `interrupt` and `len` raise EngineUnavailable, when the engine is lost.
    """

    def __init__(self, engine: Engine, stopped: Callable[[], bool]) -> None:
        self._engine = engine
        self._stopped = stopped
        self._session: EngineSession | None = None
        self._is_new = False
        self._waiting: dict[int, OpenFile] = {}
        self._again: set[int] = set()
        self._alone: list[OpenFile] = []
        self._ends = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._alone)

    @property
    def are_disturbed(self) -> bool:
        """Then nothing new is asked: `answer` comes first."""
        return bool(self._alone)

    def begin(self) -> None:
        self._session = self._engine.session()
        self._is_new = True

    def ask(self, file: OpenFile) -> None:
        self._alone.append(file)
        try:
            self._send()
        except EngineUnavailable:
            self._begin_anew()

    def answer(self) -> tuple[OpenFile, FileVerdict]:
        """Of any file that was asked about."""
        while True:
            answered = self._of_one_alone() if self._alone else self._of_any()
            if answered is not None:
                return answered

    def interrupt(self) -> None:
        """From another thread: wakes who waits for an answer."""
        if self._session is not None:
            self._session.interrupt()

    def end(self) -> list[OpenFile]:
        """The files that were not answered."""
        if self._session is not None:
            self._session.close()
        unanswered = [*self._waiting.values(), *self._alone]
        self._waiting.clear()
        self._alone.clear()
        return unanswered

    def _ask_again(self, file: OpenFile) -> None:
        self._alone.append(file)
        try:
            self._again.add(self._send())
        except EngineUnavailable:
            self._begin_anew()

    def _send(self) -> int:
        """The first of those that are to be asked about."""
        assert self._session is not None
        ticket = self._session.submit(self._alone[0].descriptor)
        self._waiting[ticket] = self._alone.pop(0)
        return ticket

    def _next(self) -> tuple[int, FileVerdict]:
        assert self._session is not None
        ticket, verdict = self._session.verdict()
        if ticket not in self._waiting:
            raise EngineUnavailable(f"the engine answered for a file it was not given: {ticket}")
        self._ends = 0
        self._is_new = False
        return ticket, verdict

    def _of_any(self) -> tuple[OpenFile, FileVerdict] | None:
        """None where something is to be asked again."""
        try:
            ticket, verdict = self._next()
        except EngineUnavailable:
            self._begin_anew()
            return None
        file = self._waiting.pop(ticket)
        if verdict != FAILED or ticket in self._again:
            return file, verdict
        self._ask_again(file)
        return None

    def _of_one_alone(self) -> tuple[OpenFile, FileVerdict] | None:
        """None where the connection may have ended over an earlier file."""
        file, is_first = self._alone[0], self._is_new
        try:
            ticket, verdict = self._send(), self._next()[1]
            del self._waiting[ticket]
        except EngineUnavailable:
            self._begin_anew()
            if not is_first:
                return None
            self._alone.remove(file)
            verdict = FAILED
        return file, verdict

    def _begin_anew(self) -> None:
        """With an engine that lives: that alone which was in flight is in doubt."""
        self._ends += 1
        self._alone = [*self._waiting.values(), *self._alone]
        self._waiting.clear()
        self._again.clear()
        if self._stopped() or self._ends > _ENDS_MOST:
            raise EngineUnavailable("the engine ended one connection after the other")
        assert self._session is not None
        self._session.close()
        self._engine.version()
        self.begin()
        if self._stopped():
            raise EngineUnavailable("stopped")
