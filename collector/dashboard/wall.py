"""The wall 大屏 of the duty room: one screen, read from afar, touched by nobody."""

from starlette.responses import Response

from checks.finding import Severity
from collector.dashboard.case_filter import SOON_US
from collector.dashboard.door import THEME_COOKIE, Visit
from collector.dashboard.endpoints import limits_of
from collector.dashboard.wording import DAY_US
from collector.duty.roster import on_duty
from collector.fleet_shares import watched
from collector.queries import cases
from collector.queries import overview as figures
from collector.queries.duty import shifts_after
from collector.queries.fleet import fleet_troubles
from collector.rights import Role
from collector.sessions import signed_in

URGENT_SHOWN = 6
NEWEST_SHOWN = 4
ALARMS_KNOWN = 50
"""So many of the newest open critical cases are told to the script that sounds for a new one."""
ON_DUTY = (Role.DUTY, Role.OFFICER)
"""Roles of those who work cases: who of them is logged in is shown where the roster is empty."""


def show(visit: Visit) -> Response:
    services = visit.services
    store, now_us = services.store_engine, services.clock()
    fleet = watched(store, now_us - DAY_US, now_us)
    critical = cases.CaseFilter(only_open=True, severities=(Severity.CRITICAL.value,))
    rostered = [shift.person for shift in on_duty(shifts_after(store, now_us), now_us)]
    people = rostered or signed_in(store, ON_DUTY, now_us=now_us)
    return visit.page(
        "wall.html",
        hospital=services.policies.current().hospital.name,
        colours=visit.request.cookies.get(THEME_COOKIE, "") or "dark",
        open_cases=figures.open_cases(store, now_us=now_us, soon_us=now_us + SOON_US),
        severities=list(Severity),
        urgent=cases.urgent_cases(
            store, cases.CaseFilter(only_open=True), now_us=now_us, limit=URGENT_SHOWN
        ),
        newest=cases.newest_cases(store, cases.CaseFilter(), limit=NEWEST_SHOWN),
        alarms=cases.newest_cases(store, critical, limit=ALARMS_KNOWN),
        next_clock=cases.next_clock,
        states=figures.endpoint_states(store),
        troubles=fleet_troubles(store, limits_of(visit)),
        endpoints=len(fleet.shares),
        share=fleet.share,
        on_duty=len(people),
        rostered=bool(rostered),
        names=people if services.wall_names else [],
    )
