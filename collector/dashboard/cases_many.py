"""One act on many cases of the list: those that are ticked, or all that the filter shows."""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.responses import Response

from collector.acts import MANY_LIMIT
from collector.cases import Act, ActRefused
from collector.dashboard.case_filter import asked_for
from collector.dashboard.cases import show_list
from collector.dashboard.cases_offer import ACTS, mark_of
from collector.dashboard.cases_told import tell
from collector.dashboard.door import Visit, see_other
from collector.dashboard.forms import one as field
from collector.queries.cases import ids_of
from collector.rights import ACT_RIGHTS


def act_on_many(visit: Visit) -> Response:
    """By the button that was pressed; when one of the cases cannot bear it, none is touched."""
    says, step = visit.says, field(visit.form, "act") or Act.ACKNOWLEDGE
    if step not in ACTS or not visit.may(ACT_RIGHTS[step]):
        return visit.page("forbidden.html", HTTPStatus.FORBIDDEN)
    chosen = _chosen(visit)
    if chosen is None:
        changed = says.gettext("The list has changed since: look at it and choose again")
        return show_list(visit, error=changed)
    if not chosen:
        return show_list(visit, error=says.gettext("Tick the cases first"))
    reason, to = field(visit.form, "reason"), field(visit.form, "to")
    try:
        visit.services.acts.on_cases(
            chosen, step, actor=visit.user, reason=reason, to=to, within=visit.within
        )
    except ActRefused as refused:
        return show_list(visit, error=_why(visit, refused, len(chosen)))
    return tell(see_other(visit.here()), Act(step), len(chosen))


def _chosen(visit: Visit) -> Sequence[str] | None:
    """Ids; None when all of the filter were meant and these are no longer the same."""
    mark = field(visit.form, "all")
    if not mark:
        return tuple(dict.fromkeys(visit.form.get("case", ())))
    wanted = asked_for(visit, visit.request.query_params).wanted
    found = ids_of(visit.services.store_engine, wanted, limit=MANY_LIMIT + 1)
    return found if mark_of(found) == mark else None


def _why(visit: Visit, refused: ActRefused, number: int) -> str:
    says = visit.says
    why = says.format(refused.message, refused.params)
    if not refused.case or number == 1:
        return why
    return says.format("No case was changed. {case}: {why}", {"case": refused.case, "why": why})
