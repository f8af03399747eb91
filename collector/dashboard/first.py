"""The first page: what needs somebody now, and how much of it we can see."""

from starlette.responses import Response

from checks.finding import Severity
from collector.alerts.digest_mail import digest_line
from collector.dashboard.case_filter import SOON_US
from collector.dashboard.door import Visit, see_other
from collector.dashboard.endpoints import limits_of
from collector.dashboard.guide import SMTP_EXAMPLE, enrol_command, steps_left
from collector.dashboard.month import HEIGHT, WIDTH, CoverageOfDays, days_until, month
from collector.dashboard.wording import DAY_US
from collector.fleet_shares import watched
from collector.queries import cases
from collector.queries import overview as figures
from collector.queries.daily import top_rules
from collector.queries.digests import newest_digests
from collector.queries.fleet import fleet_troubles, loaded_departments
from collector.rights import Action

URGENT_SHOWN = 8
NEWEST_SHOWN = 8
RANKED = 6
"""Departments and rules that are shown in their order."""
LOUD = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
"""Severities of the tiles; notices are counted, and page nobody."""


class Overview:
    """The view, with what it remembers of the days that are over."""

    def __init__(self) -> None:
        self._coverage_of_days = CoverageOfDays()

    def show(self, visit: Visit) -> Response:
        """For a department's officer it is the list of the department's cases."""
        if not visit.may(Action.SEE_HOSPITAL):
            return see_other("/cases")
        store, now_us = visit.services.store_engine, visit.services.clock()
        timezone = visit.services.policies.current().hospital.timezone
        fleet = watched(store, now_us - DAY_US, now_us)
        outbox = figures.outbox(store)
        loud = cases.CaseFilter(only_open=True, severities=tuple(s.value for s in LOUD))
        return visit.page(
            "overview.html",
            open_cases=figures.open_cases(store, now_us=now_us, soon_us=now_us + SOON_US),
            severities=list(Severity),
            urgent=cases.urgent_cases(store, loud, now_us=now_us, limit=URGENT_SHOWN),
            newest=cases.newest_cases(store, cases.CaseFilter(), limit=NEWEST_SHOWN),
            next_clock=cases.next_clock,
            nobody=cases.NOBODY,
            states=figures.endpoint_states(store),
            troubles=fleet_troubles(store, limits_of(visit)),
            share=fleet.share,
            endpoints=len(fleet.shares),
            outbox=outbox,
            mails=visit.services.mails,
            unknown=figures.count_unknowns(store) if visit.may(Action.SEE_FAULTS) else 0,
            blind=len(figures.blind_sensors(store)),
            month=month(store, self._coverage_of_days, timezone=timezone, now_us=now_us),
            drawn=(WIDTH, HEIGHT),
            departments=loaded_departments(store, limit=RANKED),
            rules=top_rules(store, days_until(now_us, timezone), limit=RANKED),
            digest=_newest_digest(visit),
            enrol_command=enrol_command(visit),
            smtp_example=SMTP_EXAMPLE,
            steps=steps_left(visit, endpoints=len(fleet.shares), mailed=bool(outbox.last_sent_us)),
        )


def _newest_digest(visit: Visit) -> str:
    """The newest day of unanswered attempts (EXT-17) in one line; empty before the first."""
    newest = newest_digests(visit.services.store_engine, limit=1)
    return digest_line(newest[0], visit.says) if newest else ""
