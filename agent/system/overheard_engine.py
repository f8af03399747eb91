"""An engine whose detections are noted, because its log will tell of them, too."""

from agent.detections import OwnFinds
from agent.media.engine import Engine, EngineSession, EngineVersion, FileVerdict


class OverheardEngine:
    """Fits Engine."""

    def __init__(self, engine: Engine, finds: OwnFinds) -> None:
        self._engine = engine
        self._finds = finds

    def version(self) -> EngineVersion:
        return self._engine.version()

    def session(self) -> EngineSession:
        return _OverheardSession(self._engine.session(), self._finds)

    def largest_file(self) -> int:
        return self._engine.largest_file()

    def pid(self) -> int:
        return self._engine.pid()


class _OverheardSession:
    """Fits EngineSession."""

    def __init__(self, session: EngineSession, finds: OwnFinds) -> None:
        self._session = session
        self._finds = finds

    def submit(self, descriptor: int) -> int:
        return self._session.submit(descriptor)

    def verdict(self) -> tuple[int, FileVerdict]:
        ticket, verdict = self._session.verdict()
        if verdict.finding == "infected":
            self._finds.note(verdict.name)
        return ticket, verdict

    def interrupt(self) -> None:
        self._session.interrupt()

    def close(self) -> None:
        self._session.close()
