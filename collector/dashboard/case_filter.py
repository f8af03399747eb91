"""What an address of the list of cases asks for."""

from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec
from starlette.datastructures import QueryParams

from checks.finding import Severity
from collector.cases import CaseState
from collector.citations import catalogue
from collector.dashboard.door import Visit
from collector.dashboard.wording import HOUR_US
from collector.queries.cases import CaseFilter
from collector.reports.figures import COUNTED, Counted
from collector.reports.period import Period, PeriodWrong, period_of

OPEN, PROPOSED = "open", "proposed"
"""Ask for the open cases, and for those of them that somebody called a false alarm."""
_NARROWING = ("severity", "rule", "department", "owner", "assignee", "endpoint")
_FIELDS = frozenset(("state", *_NARROWING, "q", "counted", "during"))
_LONGEST = 2_000

SOON_US = 4 * HOUR_US
"""A clock that runs out within this time is due soon."""


class AskedFor(msgspec.Struct, frozen=True, kw_only=True):
    """`state` and `due` as the form says them; `counted` in `period` is what of a report the list
    shows.
    """

    wanted: CaseFilter
    state: str
    due: str
    period: Period | None
    counted: Counted | None


def asked_for(visit: Visit, params: QueryParams) -> AskedFor:
    """The filter of these parameters, as far as the visitor may see; what is no value of a field
    does not narrow.
    """
    said = params.get
    state = said("state") or OPEN
    period, counted = _counted(params, visit.services.policies.current().hospital.timezone)
    wanted = CaseFilter(
        within=visit.within,
        states=(state,) if state in list(CaseState) else (),
        only_open=state in (OPEN, PROPOSED),
        only_proposed=state == PROPOSED,
        severities=_known(said("severity", ""), list(Severity)),
        rules=tuple(rule for rule in params.getlist("rule") if rule in catalogue()),
        department=said("department", ""),
        owner=said("owner", ""),
        assignee=said("assignee", ""),
        endpoint=said("endpoint", ""),
        text=said("q", "").replace("\0", "").strip(),
    )
    due = said("due", "")
    wanted = msgspec.structs.replace(wanted, **_clocks(due, visit.services.clock()))
    if period and counted:
        bounds = {"from_us": period.from_us, "to_us": period.to_us}
        wanted = msgspec.structs.replace(wanted, counted=counted, **bounds)
    return AskedFor(wanted=wanted, state=state, due=due, period=period, counted=counted)


def kept_query(params: QueryParams) -> str:
    """What of an address filters the list, written the same way for the same filter."""
    said = [(name, value) for name, value in params.multi_items() if name in _FIELDS and value]
    return urlencode(sorted({pair for pair in said if pair != ("state", OPEN)}))[:_LONGEST]


def _counted(params: QueryParams, timezone: str) -> tuple[Period | None, Counted | None]:
    """What of a report the list shows; nothing where the address does not say it rightly."""
    counted = next((each for each in COUNTED if each == params.get("counted")), None)
    try:
        return period_of(params.get("during", ""), timezone), counted
    except PeriodWrong:
        return None, None


def _clocks(due: str, now_us: int) -> dict[str, int]:
    """What narrows the list to the cases that are overdue, or due soon."""
    if due == "overdue":
        return {"late_by_us": now_us}
    return {"late_by_us": now_us + SOON_US, "in_time_at_us": now_us} if due == "soon" else {}


def _known(asked: str, values: Sequence[str]) -> tuple[str, ...]:
    return (asked,) if asked in values else ()
