"""The last sign of life, kept on disk: how the run before this one ended."""

from pathlib import Path
from typing import Literal

import msgspec

from agent.durable import read_whole, write_durably
from agent.integrity import Fingerprint

PreviousEnd = Literal["first", "goodbye", "reboot", "killed"]


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """Written at every heartbeat, and with `goodbye` at a clean end.

    `upgrade`: that goodbye announced that a package replaces the agent.
    """

    boot: str
    at_us: int
    fingerprint: Fingerprint
    goodbye: bool = False
    upgrade: bool = False


def read_beat(path: Path) -> Beat | None:
    """The last run's beat, None when there was none or it cannot be understood.

    Raises:
        OSError: it cannot be read.
    """
    content = read_whole(path)
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=Beat)
    except msgspec.DecodeError:
        return None


def write_beat(path: Path, beat: Beat) -> None:
    write_durably(path, msgspec.json.encode(beat))


def unannounced_changes(before: Beat | None, now: Fingerprint) -> tuple[str, ...]:
    """What differs from the last run; an announced upgrade may replace the program and
    the settings that nobody has edited.
    """
    if before is None or before.upgrade:
        return ()
    return now.changed_since(before.fingerprint)


def previous_end(before: Beat | None, boot: str, *, has_run: bool = False) -> PreviousEnd:
    """`has_run`: the spool tells of an earlier run.  A beat that is missing then was taken
    away by somebody, and hides how that run ended.
    """
    if before is None:
        return "killed" if has_run else "first"
    if before.goodbye:
        return "goodbye"
    return "killed" if before.boot == boot else "reboot"
