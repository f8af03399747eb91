"""The root of every fact and the values that several kinds of fact share."""

from typing import ClassVar

import msgspec


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

    `executable` is the path of /proc/PID/exe; `user` the account's name, or the
    uid in digits where it has none.  `command` carries no arguments.
    """

    pid: int
    name: str
    executable: str = ""
    uid: int = -1
    user: str = ""
    parent: str = ""


class UnknownProcess(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="who", tag="unknown"
):
    """Why nobody can be named: `gone`, `forbidden`, `forwarded`, `not_looked`."""

    why: str
    uid: int = -1
