"""Two policies over the same past: what was asked, and what came of it."""

from collections.abc import Mapping

import msgspec

from checks.finding import Severity
from collector.cases import Case


class Regraded(msgspec.Struct, frozen=True, kw_only=True):
    """A case that both policies open; `case` as the candidate sees it."""

    case: Case
    before: Severity


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Cases that were opened in the span, by both policies (`running`, `candidate`: how many), by
    the candidate alone (`opened`), by the policy in force alone (`spared`), or by both with
    another severity.  The gravest first; `names` are those of the endpoints, by agent.
    """

    from_us: int
    until_us: int
    observations: int
    version: int
    running: int
    candidate: int
    opened: tuple[Case, ...]
    spared: tuple[Case, ...]
    regraded: tuple[Regraded, ...]
    names: Mapping[str, str]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared: `text`, with what is in force as `version` and says `running`, over the
    last `days`.
    """

    text: str
    running: str
    version: int
    days: int
    actor: str
    began_us: int


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; `error` where nothing did."""

    compared: Comparison | None = None
    error: str = ""
