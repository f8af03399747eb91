"""What the endpoint's own anti-virus found, by its logs.

The logs are looked at on the grid of seconds that other sensors share, not as they are written:
a real-time protection that repeats itself a thousand times a second shall not keep the agent
awake.  What a look finds unchanged costs one stat(2) a file.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from agent.detections import Found, OwnFinds, ToldLately, found_in
from agent.media.telling import Names, suffix_of
from agent.protection import LogPlaces
from agent.sensors.remote_tools import LOOK_EVERY, next_look
from agent.system.detected_files import DetectedFiles, Examined
from agent.system.log_tail import LogTail, Unremembered
from checks.facts import Fact
from checks.facts.antivirus import MalwareDetected
from checks.facts.health import SensorGap
from checks.policy import PolicyDocument

MEMORY = "detections.json"
TOLD_MOST = 256
"""From beat to beat; what is more is counted."""
_MOMENT = "%a %b %d %H:%M:%S %Y"  # ctime(3), as clamd writes it


class DetectionSensor:
    """Fits Sensor.  `state` is the folder in which it remembers how far the logs were read."""

    name = "detections"

    def __init__(  # noqa: PLR0913 - who tells of logs and own finds, a salt, a folder, a port, a clock
        self,
        logs: LogPlaces,
        own: OwnFinds,
        *,
        salt: bytes,
        state: Path | None,
        files: Callable[[], DetectedFiles] = DetectedFiles,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.heals_every = timedelta(minutes=5)
        self._logs = logs
        self._own = own
        self._names = Names(salt)
        self._path = state / MEMORY if state else None
        self._make_files = files
        self._monotonic = monotonic
        self._lately = ToldLately(0.0)
        self._files: DetectedFiles | None = None
        self._look_at: float | None = None

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._adopt(document)
        self._fault = ""
        try:
            self._tail = LogTail(self._path)
        except Unremembered as broken:
            self._fault, self._tail = str(broken), LogTail(self._path)
        self._files = self._make_files()
        self._waiting: dict[str, list[tuple[str, Found]]] = {}
        self._doubtful: list[tuple[str, Found]] = []
        self._told = 0
        self._clean_us = _wall_us()
        return (self._files.fileno(),)

    def wake(self) -> Iterable[Fact]:
        yield from self._examined()
        if self._look_at is not None and self._monotonic() >= self._look_at:
            yield from self._look()

    def heal(self) -> Iterable[Fact]:
        if self._fault:
            yield self._gap("failed", detail=f"the places in the logs begin anew: {self._fault}")
            self._fault = ""
        lost = max(0, self._told - TOLD_MOST) + self._tail.lost
        if lost:
            yield self._gap("overrun", lost=lost)
        self._told = self._tail.lost = 0
        self._clean_us = _wall_us()
        yield from self._look()

    def deadline(self) -> float | None:
        return self._look_at

    def degraded(self) -> str:
        return self._logs.missing()

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._adopt(document)
        return ()

    def stop(self) -> None:
        self._look_at = None
        if self._files is not None:
            self._files.close()
        self._files = None

    def _adopt(self, document: PolicyDocument) -> None:
        policy = document.policy
        self.heals_every = policy.duration("state_beat")
        self._lately.span_s = policy.duration("detection_repeat").total_seconds()
        self._names.travel = policy.thresholds.file_names_travel

    def _look(self) -> Iterator[Fact]:
        self._look_at = next_look(LOOK_EVERY)
        if not self._waiting and not self._doubtful:
            self._tail.keep()  # what was told at the last look is on its way by now
        yield from self._unclaimed()
        for path, product in self._logs.all():
            for found in filter(None, map(found_in, self._tail.lines(path))):
                self._take(product, found)

    def _take(self, product: str, found: Found) -> None:
        """What lies in a file is looked at first; what has no name waits a look."""
        if not found.path:
            self._doubtful.append((product, found))
        elif self._lately.is_new(found, self._monotonic()) and self._has_room():
            assert self._files is not None
            if found.path not in self._waiting:
                self._files.examine(found.path)
            self._waiting.setdefault(found.path, []).append((product, found))

    def _unclaimed(self) -> Iterator[Fact]:
        """A file without a name, or with one that means nothing here, may be one of a medium
        that we were scanning where nobody else can see it.
        """
        waited, self._doubtful = self._doubtful, []
        for product, found in waited:
            if not self._own.claims(found.signature) and self._is_to_tell(found):
                yield self._fact(product, found, "")

    def _is_to_tell(self, found: Found) -> bool:
        if found.path:
            return True  # that was asked when it was taken
        return self._lately.is_new(found, self._monotonic()) and self._has_room()

    def _examined(self) -> Iterator[Fact]:
        assert self._files is not None
        for seen in self._files.examined():
            for product, found in self._waiting.pop(seen.path):
                yield from self._of_file(seen, product, found)

    def _of_file(self, seen: Examined, product: str, found: Found) -> Iterator[Fact]:
        if seen.on_medium:
            self._own.claims(found.signature)
        elif seen.is_there:
            yield self._fact(product, found, seen.sha256)
        else:
            self._doubtful.append((product, found))

    def _has_room(self) -> bool:
        self._told += 1
        return self._told <= TOLD_MOST

    def _fact(self, product: str, found: Found, sha256: str) -> MalwareDetected:
        path = found.path.encode("utf-8", "replace")
        return MalwareDetected(
            product=product,
            signature=found.signature,
            sha256=sha256,
            file_hash=self._names.hashed(path) if path else "",
            suffix=suffix_of(path),
            file_name=self._names.name(path),
            logged_us=_microseconds(found.moment),
        )

    def _gap(self, cause: str, *, lost: int = 0, detail: str = "") -> SensorGap:
        return SensorGap(
            sensor=self.name,
            cause=cause,  # type: ignore[arg-type] # one of both words above
            from_us=self._clean_us,
            to_us=_wall_us(),
            lost=lost,
            detail=detail,
        )


def _microseconds(moment: str) -> int:
    """Of the program's own local time, which has no zone: it is this machine's."""
    try:
        return int(time.mktime(time.strptime(moment, _MOMENT))) * 1_000_000 if moment else 0
    except (ValueError, OverflowError):
        return 0


def _wall_us() -> int:
    return time.time_ns() // 1000
