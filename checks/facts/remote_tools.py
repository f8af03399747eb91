"""Programs that let somebody elsewhere work on this machine, or carry a way in."""

from typing import ClassVar, Literal

import msgspec

from checks.facts.base import Fact, Process


class RemoteTool(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A running program that the policy's table of such tools knows.  `tool` is the
    table's name for it; `purpose` what it does.
    """

    tool: str
    purpose: Literal["remote_control", "reverse_tunnel", "vpn"]
    process: Process


class RemoteToolState(Fact, frozen=True, kw_only=True, tag="remote_tools"):
    """Every such program that runs now."""

    state: ClassVar[bool] = True

    tools: tuple[RemoteTool, ...]
