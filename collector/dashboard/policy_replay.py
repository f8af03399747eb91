"""What the policy that somebody thinks of would have made of the past."""

from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from starlette.responses import Response

from collector.cases import Case
from collector.compared import Comparison
from collector.dashboard.door import Visit, see_other
from collector.dashboard.forms import one as field
from collector.queries.cases import known_cases

DAYS = (7, 30, 90)
SHOWN = 100
ADDRESS = "/policy/replay"
REGRADED = "Would have another severity"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Cases of one rule in one department, which the candidate alone opens, or does not."""

    department: str
    rule: str
    opened: int
    spared: int


def start(visit: Visit, text: str) -> Response:
    """Asks for one and leads to its page, also when another is running."""
    policies, asked = visit.services.policies, field(visit.form, "days")
    days = int(asked) if asked in map(str, DAYS) else DAYS[-1]
    version, running = policies.current().version, policies.text()
    visit.services.replays.start(
        text, running=running, version=version, days=days, actor=visit.user
    )
    return see_other(ADDRESS)


def show(visit: Visit) -> Response:
    last = visit.services.replays.last()
    asked, said = last or (None, None)
    compared = said.compared if said else None
    ids = [case.id for case in _all_of(compared)] if compared else []
    return visit.page(
        "policy_replay.html",
        HTTPStatus.OK,
        asked=asked,
        said=said,
        compared=compared,
        places=places_of(compared) if compared else (),
        lists=_lists(compared) if compared else (),
        known=known_cases(visit.services.store_engine, ids),
        shown=SHOWN,
        REGRADED=REGRADED,
        before={one.case.id: one.before for one in compared.regraded} if compared else {},
        now_us=visit.services.clock(),
    )


def places_of(compared: Comparison) -> Sequence[Place]:
    """Where most changes, first."""
    opened, spared = _counted(compared.opened), _counted(compared.spared)
    places = [
        Place(department=each[0], rule=each[1], opened=opened[each], spared=spared[each])
        for each in opened | spared
    ]
    return sorted(places, key=lambda p: (-p.opened - p.spared, p.department, p.rule))


def _counted(cases: Sequence[Case]) -> Counter[tuple[str, str]]:
    return Counter((case.department, case.rule) for case in cases)


def _lists(compared: Comparison) -> tuple[tuple[str, Sequence[Case]], ...]:
    return (
        ("Would be opened", compared.opened),
        ("Would not be opened", compared.spared),
        (REGRADED, [one.case for one in compared.regraded]),
    )


def _all_of(compared: Comparison) -> Sequence[Case]:
    return [case for _, cases in _lists(compared) for case in cases[:SHOWN]]
