"""What the store holds of an endpoint and of a hole in its coverage, as values."""

from typing import Literal, get_args

import msgspec

from checks.policy import Endpoint

EndpointState = Literal["online", "off", "silent", "revoked"]
ENDPOINT_STATES: tuple[EndpointState, ...] = get_args(EndpointState)
ShownState = Literal["online", "off", "silent", "outdated", "revoked"]
SHOWN_STATES: tuple[ShownState, ...] = get_args(ShownState)
"""What lists of endpoints are narrowed to; `outdated` is any of them with an old client."""
WHOLE_ENDPOINT = "*"
"""The sensor of a hole in which nothing at all was watched."""


class EndpointRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The register's line and what was last heard.  `state`: `online`, `off` (said
    goodbye), `silent` (did not), `revoked` (may speak no more).  `last_at_us` and `boot` are the endpoint's own.
    `judged_us` is the moment by which its newest observation was judged, and
    `judged_monotonic_us` its monotonic clock then (`collector.judging.true_time`).
    """

    registered: Endpoint
    host: str = ""
    enrolled_us: int = 0
    version: str = ""
    policy_version: int = 0
    last_heard_us: int = 0
    state: EndpointState = "online"
    open_cases: int = 0
    last_sequence: int = 0
    last_at_us: int = 0
    boot: str = ""
    judged_us: int = 0
    judged_monotonic_us: int = 0

    @property
    def agent(self) -> str:
        return self.registered.id


class Hole(msgspec.Struct, frozen=True, kw_only=True):
    """A span in which a sensor may have missed something; `to_us` 0 while it lasts."""

    agent: str
    sensor: str
    from_us: int
    to_us: int = 0
    cause: str
    lost: int = 0
    detail: str = ""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One message that is to be sent, by mail or (`channel`) by one of `[[channels]]`; `key` is
    the same whenever it is decided again.
    """

    key: str
    case: str
    occasion: str
    recipients: tuple[str, ...]
    channel: str = ""
