"""What is sent from the list of cases: a filter that is kept, or an act on many cases."""

from collections.abc import Callable

from starlette.responses import Response

from collector.dashboard.case_chips import may_share
from collector.dashboard.case_filter import kept_query
from collector.dashboard.cases import show_list
from collector.dashboard.cases_many import act_on_many
from collector.dashboard.door import Visit, see_other
from collector.dashboard.forms import one as field
from collector.filters import FilterRefused, delete_filter, rename_filter, save_filter
from collector.rights import Action


def posted(visit: Visit) -> Response:
    """By the button that was pressed."""
    change = _CHANGES.get(field(visit.form, "act"))
    if change is None:
        return act_on_many(visit)
    try:
        change(visit)
    except FilterRefused as refused:
        return show_list(visit, error=visit.says.format(refused.message, refused.params))
    return see_other(visit.here())


def _save(visit: Visit) -> None:
    save_filter(
        visit.services.store_engine,
        owner=visit.user,
        name=field(visit.form, "name"),
        query=kept_query(visit.request.query_params),
        shared=may_share(visit) and field(visit.form, "shared") == "yes",
        now_us=visit.services.clock(),
    )


def _rename(visit: Visit) -> None:
    chosen, name = field(visit.form, "filter"), field(visit.form, "name")
    rename_filter(visit.services.store_engine, chosen, owner=visit.user, name=name)


def _delete(visit: Visit) -> None:
    delete_filter(
        visit.services.store_engine,
        field(visit.form, "filter"),
        owner=visit.user,
        any_shared=visit.may(Action.DECIDE_CASES),
    )


_CHANGES: dict[str, Callable[[Visit], None]] = {
    "save_filter": _save,
    "rename_filter": _rename,
    "delete_filter": _delete,
}
