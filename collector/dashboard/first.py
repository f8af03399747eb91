"""The first page: what needs somebody now, and how much of it we can see."""

from starlette.responses import Response

from checks.finding import Severity
from collector.alerts.digest_mail import digest_line
from collector.coverage import fleet_coverage, mean_share
from collector.dashboard.door import Visit, see_other
from collector.dashboard.policy import is_proposed
from collector.dashboard.wording import DAY_US, HOUR_US
from collector.queries import cases
from collector.queries import overview as figures
from collector.queries.digests import newest_digests
from collector.rights import Action

URGENT_SHOWN = 8
NEWEST_SHOWN = 8
HOURS_SHOWN = 24
LOUD = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
"""Severities of the tiles; notices are counted, and page nobody."""


def home(visit: Visit) -> Response:
    """The overview; for a department's officer the cases of the department."""
    return overview(visit) if visit.may(Action.SEE_HOSPITAL) else see_other("/cases")


def overview(visit: Visit) -> Response:
    store, now_us = visit.services.store_engine, visit.services.clock()
    since_us = now_us - DAY_US
    first_hour_us = now_us // HOUR_US * HOUR_US - (HOURS_SHOWN - 1) * HOUR_US
    fleet = fleet_coverage(store, since_us, now_us)
    loud = cases.CaseFilter(only_open=True, severities=tuple(s.value for s in LOUD))
    return visit.page(
        "overview.html",
        open_cases=figures.open_cases(store, now_us=now_us),
        severities=list(Severity),
        urgent=cases.urgent_cases(store, loud, now_us=now_us, limit=URGENT_SHOWN),
        newest=cases.newest_cases(store, cases.CaseFilter(), limit=NEWEST_SHOWN),
        next_clock=cases.next_clock,
        states=figures.endpoint_states(store),
        share=mean_share(fleet),
        endpoints=len(fleet),
        outbox=figures.outbox(store),
        mails=visit.services.mails,
        unknown=figures.count_unknowns(store) if visit.may(Action.SEE_FAULTS) else 0,
        blind=len(figures.blind_sensors(store)),
        hours=figures.opened_by_hour(store, from_us=first_hour_us, hours=HOURS_SHOWN),
        first_hour_us=first_hour_us,
        hour_us=HOUR_US,
        digest=_newest_digest(visit),
        proposed=is_proposed(visit.services.policies.text()),
    )


def _newest_digest(visit: Visit) -> str:
    """The newest day of unanswered attempts (EXT-17) in one line; empty before the first."""
    newest = newest_digests(visit.services.store_engine, limit=1)
    return digest_line(newest[0], visit.says) if newest else ""
