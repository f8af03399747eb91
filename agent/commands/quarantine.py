"""`wardwatch-agent quarantine list|restore|delete`: infected files that were moved from media.

Whoever opens the quarantine is told to the collector, by the service; the word is left before
anything is done.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from agent.config import Settings
from agent.media.telling import shown
from agent.quarantine_acts import quarantine_acts
from agent.speech import complain, moment, say, signs
from agent.system.console import commander
from agent.system.quarantine_content import ContentChanged
from agent.system.quarantine_store import NO_ROOM, Kept, QuarantineStore
from checks.facts.quarantine import QuarantineAction, QuarantineOpened

_SHORTEST = 8
"""Digits of a SHA-256 that must be given at least."""


def list_all(settings: Settings, *, as_json: bool) -> int:
    """Exit status 1 when the quarantine cannot be read."""
    try:
        kept = list(_store(settings).all())
    except OSError as unreadable:
        complain(f"the quarantine cannot be read: {unreadable}")
        return 1
    if as_json:
        say(msgspec.json.format(msgspec.json.encode([_row(one) for one in kept])).decode())
    else:
        say("\n".join(lines(kept)))
    return 0


def restore(settings: Settings, digits: str, target: Path) -> int:
    """Exit status 2 where no content, or several, are named so, or the file is there already; 1
    where the content is damaged or cannot be written.
    """
    try:
        kept = _only(settings, digits)
        if kept is None:
            return 2
        if target.exists() or target.is_symlink():
            complain(f"{target} is there already")
            return 2
        quarantine_acts(settings.state).put(_act("restored", kept))
        _store(settings).restore(kept.sha256, target)
    except (OSError, ContentChanged) as refusal:
        complain(f"not restored: {refusal}")
        return 1
    say(f"{target}: this file is infected ({_signatures(kept)})")
    return 0


def delete(settings: Settings, digits: str) -> int:
    """Exit status 2 where no content, or several, are named so; 1 where it is still there."""
    try:
        kept = _only(settings, digits)
        if kept is None:
            return 2
        quarantine_acts(settings.state).put(_act("deleted", kept))
        _store(settings).delete(kept.sha256)
    except OSError as refusal:
        complain(f"not deleted: {refusal}")
        return 1
    say(f"{kept.sha256}: deleted")
    return 0


def lines(kept: Sequence[Kept]) -> Iterator[str]:
    """For people; names on a medium show as signs only."""
    if not kept:
        yield "the quarantine is empty"
    for one in kept:
        yield f"{one.sha256}  {one.size} bytes  {_signatures(one)}"
        for origin in one.origins:
            place = f"{signs(origin.medium)}: {signs(shown(origin.path))}"
            yield f"    {moment(origin.moved_us)}  {place}"


def _store(settings: Settings) -> QuarantineStore:
    """To look and to take out: a command puts nothing there."""
    return QuarantineStore(settings.state, NO_ROOM)


def _only(settings: Settings, digits: str) -> Kept | None:
    """Complains unless exactly one is named so.  Raises OSError."""
    if len(digits) < _SHORTEST:
        complain(f"give {_SHORTEST} digits of the SHA-256 at least")
        return None
    named = _store(settings).named(digits.lower())
    if len(named) != 1:
        complain(f"{digits}: {len(named)} contents of the quarantine begin so")
        return None
    return named[0]


def _act(action: QuarantineAction, kept: Kept) -> QuarantineOpened:
    signature = _signatures(kept)
    return QuarantineOpened(
        action=action, sha256=kept.sha256, actor=commander(), signature=signature
    )


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    medium: str
    key: str
    signature: str
    moved_at: str


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints of a content."""

    sha256: str
    size: int
    origins: tuple[_Place, ...]


def _row(kept: Kept) -> _Row:
    places = (
        _Place(
            path=shown(origin.path),
            medium=origin.medium,
            key=origin.key,
            signature=origin.signature,
            moved_at=moment(origin.moved_us),
        )
        for origin in kept.origins
    )
    return _Row(sha256=kept.sha256, size=kept.size, origins=tuple(places))


def _signatures(kept: Kept) -> str:
    return ", ".join(sorted({origin.signature for origin in kept.origins})) or "unknown"
