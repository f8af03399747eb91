"""What commands say to the person at the shell."""

import sys


def say(text: str) -> None:
    """One answer, on standard output."""
    sys.stdout.write(f"{text}\n")


def complain(text: str) -> None:
    """One trouble, on standard error."""
    sys.stderr.write(f"wardwatch-collector: {text}\n")
