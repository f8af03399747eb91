"""How a command speaks to the person who called it."""

import sys


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def complain(text: object) -> None:
    sys.stderr.write(f"{text}\n")
