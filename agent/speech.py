"""How a command speaks to the person who called it."""

import sys
from datetime import UTC, datetime

_MICROSECONDS = 1_000_000


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def complain(text: object) -> None:
    sys.stderr.write(f"{text}\n")


def signs(text: str) -> str:
    """A medium calls itself and its files what it likes: nothing of it reaches the terminal but
    signs.
    """
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def moment(at_us: int) -> str:
    """Microseconds since the epoch, for people; 0 is never."""
    if not at_us:
        return "never"
    return datetime.fromtimestamp(at_us / _MICROSECONDS, UTC).isoformat(timespec="seconds")
