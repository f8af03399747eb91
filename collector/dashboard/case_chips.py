"""The filters that are kept, above the list, each with how many cases it shows now."""

import msgspec
from starlette.datastructures import QueryParams

from collector.dashboard.case_filter import asked_for, kept_query
from collector.dashboard.door import Visit
from collector.filters import NAME_LONGEST, SavedFilter, filters_for
from collector.queries.cases import count_cases
from collector.rights import Action


class Chip(msgspec.Struct, frozen=True, kw_only=True):
    """`here`: the list shows it now; `own` ones may be renamed, `removable` ones removed."""

    kept: SavedFilter
    count: int
    here: bool
    own: bool
    removable: bool


class Chips(msgspec.Struct, frozen=True, kw_only=True):
    """`query` is what the list shows now; empty when that is the list as it comes."""

    chips: tuple[Chip, ...]
    query: str
    may_share: bool
    name_longest: int = NAME_LONGEST


def chips_of(visit: Visit) -> Chips:
    """The visitor's own and those that are shared; a department's officer sees only own ones."""
    query = kept_query(visit.request.query_params)
    found = filters_for(visit.services.store_engine, visit.user, shared=not visit.within)
    return Chips(
        chips=tuple(_chip(visit, each, query) for each in found),
        query=query,
        may_share=may_share(visit),
    )


def may_share(visit: Visit) -> bool:
    return visit.may(Action.WORK_CASES)


def _chip(visit: Visit, kept: SavedFilter, query: str) -> Chip:
    wanted = asked_for(visit, QueryParams(kept.query)).wanted
    own = kept.owner == visit.user
    return Chip(
        kept=kept,
        count=count_cases(visit.services.store_engine, wanted),
        here=kept.query == query,
        own=own,
        removable=own or visit.may(Action.DECIDE_CASES),
    )
