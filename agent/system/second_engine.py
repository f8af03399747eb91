"""Two scanners for every file: it is clean only where both say so."""

import os

import msgspec

from agent.media.engine import Engine, EngineSession, EngineUnavailable, EngineVersion, FileVerdict
from agent.system.icap import Icap

_NAMES_LENGTH = 200


class TwoEngines:
    """Fits Engine.  Signatures and their date are the first one's."""

    def __init__(self, first: Engine, second: str) -> None:
        """`second` is an ICAP service's URL.  Raises ValueError where it is none."""
        self._first = first
        self._url = second
        self._names = ("", "")
        Icap(second)

    def version(self) -> EngineVersion:
        told = self._first.version()
        self._names = (told.engine, Icap(self._url).name())
        return EngineVersion(
            " + ".join(self._names)[:_NAMES_LENGTH], told.signatures, told.signatures_at_us
        )

    def session(self) -> EngineSession:
        """What it finds is found by an engine with a name once `version` was asked."""
        return _BothSessions(self._first.session(), Icap(self._url), self._names)

    def largest_file(self) -> int:
        return self._first.largest_file()

    def pid(self) -> int:
        return self._first.pid()


class _BothSessions:
    """Fits EngineSession.  The second is asked about what the first calls clean."""

    def __init__(self, first: EngineSession, second: Icap, names: tuple[str, str]) -> None:
        self._first = first
        self._second = second
        self._names = names
        self._files: dict[int, int] = {}
        self._interrupted = False

    def submit(self, descriptor: int) -> int:
        ticket = self._first.submit(descriptor)
        self._files[ticket] = os.dup(descriptor)
        return ticket

    def verdict(self) -> tuple[int, FileVerdict]:
        ticket, verdict = self._first.verdict()
        descriptor = self._files.pop(ticket, None)
        if descriptor is None:
            return ticket, verdict
        finder, second = self._names
        try:
            if verdict.finding == "clean":
                self._go_on()
                verdict, finder = self._second.examine(descriptor), second
        finally:
            os.close(descriptor)
        return ticket, _found_by(finder, verdict)

    def interrupt(self) -> None:
        self._interrupted = True
        self._first.interrupt()
        self._second.interrupt()

    def close(self) -> None:
        self._first.close()
        self._second.close()
        while self._files:
            os.close(self._files.popitem()[1])

    def _go_on(self) -> None:
        if self._interrupted:
            raise EngineUnavailable("interrupted")


def _found_by(engine: str, verdict: FileVerdict) -> FileVerdict:
    if verdict.finding != "infected":
        return verdict
    return msgspec.structs.replace(verdict, engine=engine[:_NAMES_LENGTH])
