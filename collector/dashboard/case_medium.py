"""Which medium a case or a stay is about, and where its page is."""

import msgspec

from checks.facts.media import Medium
from collector.cases import Case
from collector.dashboard.door import Visit
from collector.dashboard.media import medium_address
from collector.dashboard.strangers import stranger_address
from collector.queries.register import StoredMedia

ABOUT_MEDIA = "MED-"
BY_LINE = "media register "
"""How `decided_by` of a case names a line."""


class CaseMedium(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is what it calls itself, empty where only its line is known; `number` that of its
    line in the register or the policy; `address` is its page.
    """

    name: str = ""
    number: str = ""
    key: str = ""
    address: str


def medium_of(case: Case, visit: Visit) -> CaseMedium | None:
    """None where the case is about no medium that is known here."""
    if not case.rule.startswith(ABOUT_MEDIA):
        return None
    known = StoredMedia(visit.services.store_engine)
    seen = known.seen(case.subject)
    body = seen.medium if seen else None
    number = _number(case, body, known)
    if number:
        return CaseMedium(
            name=body.describe() if body else "",
            number=number,
            key=body.key if body else "",
            address=medium_address(number),
        )
    return _without_line(body, visit) if body else None


def page_of(body: Medium, visit: Visit) -> CaseMedium:
    """Where a medium's page is that was seen."""
    line = StoredMedia(visit.services.store_engine).line_for(body)
    if line is None:
        return _without_line(body, visit)
    return CaseMedium(
        name=body.describe(), number=line.number, key=body.key, address=medium_address(line.number)
    )


def _without_line(body: Medium, visit: Visit) -> CaseMedium:
    """The policy itself may list it."""
    listed = visit.services.policies.current().medium(body)
    return CaseMedium(
        name=body.describe(),
        number=listed.number if listed else "",
        key=body.key,
        address=stranger_address(body.key),
    )


def _number(case: Case, body: Medium | None, known: StoredMedia) -> str:
    """Of the line that it has now; else of the one that the case names, while that exists."""
    line = known.line_for(body) if body else None
    if line is not None:
        return line.number
    _, by_line, named = case.decided_by.partition(BY_LINE)
    return named if by_line and named in known.lines((named,)) else ""
