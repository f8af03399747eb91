"""`wardwatch-agent status`: what the running service last wrote about itself."""

from collections.abc import Iterator, Sequence

import msgspec

from agent.config import Settings
from agent.health import STATUS_FILE, Status, read_status
from agent.media.board import BOARD_FILE, MediumNow, read_board
from agent.media.engine import EngineUnavailable
from agent.speech import complain, moment, say, signs
from agent.system import machine
from agent.system.clamd import Clamd, ScannerSettings


def run(settings: Settings, *, as_json: bool) -> int:
    """Exit status 1 when no agent runs with this state folder."""
    path = settings.state / STATUS_FILE
    try:
        status = read_status(path)
        board = read_board(settings.state / BOARD_FILE)
    except (OSError, msgspec.DecodeError) as unreadable:
        complain(f"{path}: {unreadable}")
        return 1
    if status is None:
        complain(f"no agent has run with {settings.state_dir}")
        return 1
    runs = machine.process_is_alive(status.pid)
    media = board.media if board is not None and runs and board.pid == status.pid else ()
    engine = engine_line(settings)
    if as_json:
        told = {
            "running": runs,
            **msgspec.to_builtins(status),
            "engine": engine,
            "media": list(media),
        }
        say(msgspec.json.format(msgspec.json.encode(told)).decode())
    else:
        say("\n".join([*lines(status, runs=runs), f"engine      {engine}", *media_lines(media)]))
    return 0 if runs else 1


def lines(status: Status, *, runs: bool) -> Iterator[str]:
    """The same for people."""
    yield f"agent       {status.agent} {status.version}, {'running' if runs else 'NOT RUNNING'}"
    yield f"collector   {status.collector}: {status.uplink.state.value} {status.uplink.reason}"
    yield f"last upload {moment(status.uplink.last_sent_us)}"
    yield f"policy      version {status.policy_version}"
    spool = status.spool
    yield (
        f"spool       {spool.waiting} waiting, {spool.bytes} of {spool.limit} bytes, "
        f"{spool.dropped} dropped, {spool.quarantined} refused"
    )
    yield f"written     {moment(status.written_us)}"
    yield "sensors"
    for sensor in status.sensors:
        share = status.coverage.get(sensor.name)
        watched = "" if share is None else f"{share:7.1%}"
        yield f"  {sensor.name:<14} {sensor.state:<9} {watched:>7}  {sensor.reason}".rstrip()


def engine_line(settings: Settings) -> str:
    """How the anti-virus engine is set up just now, as far as it matters for what it calls clean."""
    scanner = Clamd(ScannerSettings(settings.scanner.address))
    try:
        missing = scanner.missing_alerts()
    except EngineUnavailable as unavailable:
        return signs(f"not available: {unavailable}")
    if missing is None:
        return "answers; its settings cannot be read from here"
    if missing:
        return f"lacks {', '.join(missing)}: what it could not look into, it may call clean"
    return "tells what it could not look into"


def media_lines(media: Sequence[MediumNow]) -> Iterator[str]:
    """What is plugged in, and how far its scan is."""
    if media:
        yield "media"
    for medium in media:
        held = "held, " if medium.held else ""
        how = _progress(medium) or f"{medium.state} {medium.reason}".rstrip()
        yield f"  {signs(medium.name)}: {held}{how}"


def _progress(medium: MediumNow) -> str:
    """Empty where nothing runs."""
    progress = medium.progress
    if progress is None:
        return ""
    if progress.waiting:
        takes = "" if progress.rest is None else f", which takes about {progress.rest} s"
        return f"waiting for its scan{takes}"
    rest = "" if progress.rest is None else f", about {progress.rest} s left"
    return (
        f"scanning for {progress.seconds} s: {progress.files} files, {progress.bytes} of"
        f" {progress.used} bytes{rest}"
    )
