"""The root of every fact and the values that several kinds of fact share."""

from typing import Annotated, ClassVar

import msgspec

LATEST_US = 253_370_764_800_000_000
"""9999-01-01: what is later is no time that a calendar can show in every zone."""
LARGEST = 2**63 - 1
"""What a database holds, and all that a kernel can say of a size (loff_t): a medium that lies
about its capacity must not get the report of it refused.
"""

Micros = Annotated[int, msgspec.Meta(ge=0, le=LATEST_US)]
"""A moment, wall clock, microseconds since the epoch; 0 is never."""
Number = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
"""Any other whole number that a machine may claim; refused at the door beyond."""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""How many: databases can add up a thousand of the largest."""
ShortText = Annotated[str, msgspec.Meta(max_length=64)]
"""A name that is kept as a column of its own."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", gc=False):
    """Something that was seen, with a name of its own on the wire.

    An *event* (`state` is False) happened once.  A *state* holds until the next
    fact of its kind: it is sent when it changes and again at a slow beat, so that
    a lost change heals.  Unknown fields are ignored when decoding, so fields may
    be added; a field is never renamed or given another meaning.
    """

    state: ClassVar[bool] = False


class Process(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="who", tag="process"):
    """The process that acted, as far as the kernel still knew it.

    `executable` is the path of /proc/PID/exe, or the file that its last exec named when it
    had ended; `sha256` (hex) of that file's content when the process was looked at; `user`
    the account's name, or the uid in digits where it has none.  `command` is the command
    line with values that look like secrets replaced by `***`, and names of people's files
    unless the policy lets them travel, at most 256 characters.
    `login` is the account that logged in, also behind sudo (/proc/PID/loginuid), `session`
    the login session's number.  What could not be told any more is empty.
    """

    pid: Number
    name: str
    executable: str = ""
    uid: Number = -1
    user: str = ""
    parent: str = ""
    sha256: str = ""
    command: str = ""
    login: str = ""
    session: str = ""


class UnknownProcess(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="who", tag="unknown"
):
    """Why nobody can be named: `gone`, `forbidden`, `forwarded`, `not_looked`, `before_watch` (the
    file bears traces of a use from before its medium was watched).
    """

    why: str
    uid: Number = -1
