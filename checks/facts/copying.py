"""What was written to a medium since it was plugged in."""

from typing import Literal

import msgspec

from checks.facts.base import Count, Fact, Process, UnknownProcess
from checks.facts.media import Medium

WrittenOccasion = Literal["first", "many", "meanwhile", "ended"]
"""Why it is told: the `first` file was written; much was, and each time it doubles (`many`);
more was since it was told last (`meanwhile`); it was unmounted or pulled out (`ended`)."""


class Writer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who wrote, and how many files were first written by it."""

    process: Process | UnknownProcess
    files: Count


class MediumWritten(Fact, frozen=True, kw_only=True, tag="medium_written"):
    """All files that were written to a medium since it was plugged in; those of the agent's own
    are left out.  Told again with larger numbers.

    A file counts once, with its newest size in `bytes`: where one was added to that had been
    there, the whole of it.  Those of `unsized` were gone before anybody could look, and are in
    `files` only.  `types` are counts by extension in lower case, empty for none, the rarest
    together as `other`.  `housekeeping` counts what desktops write of their own accord, which is
    in none of the other numbers.  `at_least` says that the kernel dropped some events.
    `others` counts the files of writers beside the first `writers`.  `file_names` are the first
    ones, only where the policy lets names travel.
    """

    medium: Medium
    mount_point: str
    occasion: WrittenOccasion
    files: Count = 0
    bytes: Count = 0
    types: dict[str, Count] = {}
    writers: tuple[Writer, ...] = ()
    others: Count = 0
    unsized: Count = 0
    housekeeping: Count = 0
    at_least: bool = False
    file_names: tuple[str, ...] = ()
