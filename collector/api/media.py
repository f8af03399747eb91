"""The media register over the API: a line by its number, and how it is written."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from checks.facts.media_register import RegisteredMedium, RegisterKind
from collector.api.answers import ActBody, MediaPage, MediaQuery, NoQuery, RegisterLineBody
from collector.api.bodies import medium_body, moment_or_none
from collector.api.calls import Call, Missing, Operation
from collector.api.cursors import RowPlace, cursor_of, place_of
from collector.media.acts import NO_SUCH_NUMBER, MediaActs, MediumRefused
from collector.queries import observations
from collector.queries.ledger import Ledger, LineFilter, LineSeen
from collector.queries.register import StoredMedia
from collector.rights import Action

_Texts = Annotated[tuple[str, ...], msgspec.Meta(max_length=200)]
_Whole = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class LineBody(ActBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line as it shall be; what is left out is empty.  The medium is known by `key`, or by
    `serial` with what else is given.
    """

    kind: RegisterKind = "plain"
    key: str = ""
    serial: str = ""
    vendor_id: str = ""
    product_id: str = ""
    capacity: _Whole = 0
    owner: str = ""
    department: str = ""
    endpoints: _Texts = ()
    departments: _Texts = ()
    zones: _Texts = ()
    access: Literal["read_write", "read_only"] = "read_write"
    hours: str = ""
    uses: _Whole = 0
    lost: bool = False
    expires: date = date.max
    inventory: date | None = None
    note: str = ""


class RemovedBody(msgspec.Struct, frozen=True, kw_only=True):
    """The number that is in the register no more."""

    number: str


def list_media(call: Call, query: MediaQuery) -> MediaPage:
    """Media that were seen, each with its number; with `registered` the lines instead."""
    if query.registered:
        return _registered(call, query)
    store = call.services.store_engine
    begin = (place_of(query.cursor, RowPlace) or RowPlace(0)).row
    seen = observations.media(store, agent=query.endpoint)
    known, policy = StoredMedia(store), call.services.policies.current()
    end = begin + query.limit
    page = []
    for each in seen[begin:end]:
        line = known.line_for(each.medium) or policy.medium(each.medium)
        page.append(medium_body(each, number=line.number if line else ""))
    return MediaPage(media=page, next=cursor_of(RowPlace(end)) if len(seen) > end else None)


def one_line(call: Call, _query: NoQuery) -> RegisterLineBody:
    return line_body(_line(call))


def put_line(call: Call, query: NoQuery) -> RegisterLineBody:
    """Registers the number, or changes its line."""
    asked = call.body
    assert isinstance(asked, LineBody)
    fields = {name: getattr(asked, name) for name in RegisteredMedium.__struct_fields__[1:]}
    line = RegisteredMedium(number=call.named, **fields)
    act = _acts(call).change if _ledger(call).one(call.named) else _acts(call).register
    act(line, actor=call.token.name, reason=asked.reason)
    return one_line(call, query)


def delete_line(call: Call, _query: NoQuery) -> RemovedBody:
    try:
        _acts(call).mark(
            call.named, "remove", actor=call.token.name, reason=call.body.reason or "-"
        )
    except MediumRefused as refused:
        if refused.message == NO_SUCH_NUMBER:
            raise Missing(refused.message.format(**refused.params)) from refused
        raise
    return RemovedBody(number=call.named)


def line_body(found: LineSeen) -> RegisterLineBody:
    line = found.line
    fields = {name: getattr(line, name) for name in RegisteredMedium.__struct_fields__}
    return RegisterLineBody(
        **{**fields, "expires": None if line.expires == date.max else line.expires},
        state=found.state,
        used=found.uses,
        plugged_in_at=list(found.here),
        last_endpoint=found.last.agent if found.last else "",
        last_seen_at=moment_or_none(found.last.last_us if found.last else 0),
        last_scan=found.last.scan if found.last else "",
        counted_at=moment_or_none(found.counted_us),
    )


def _registered(call: Call, query: MediaQuery) -> MediaPage:
    after = place_of(query.cursor, str) or ""
    found = _ledger(call).after(after, LineFilter(), limit=query.limit + 1)
    page, more = found[: query.limit], len(found) > query.limit
    return MediaPage(
        media=[],
        register=[line_body(each) for each in page],
        next=cursor_of(page[-1].line.number) if more else None,
    )


def _line(call: Call) -> LineSeen:
    found = _ledger(call).one(call.named)
    if found is None:
        raise Missing(NO_SUCH_NUMBER.format(number=call.named[:64]))
    return found


def _ledger(call: Call) -> Ledger:
    services = call.services
    policy = services.policies.current()
    return Ledger(services.store_engine, policy, today=policy.day(services.clock()))


def _acts(call: Call) -> MediaActs:
    services = call.services
    known = StoredMedia(services.store_engine)
    return MediaActs(journal=services.journal, known=known, changes=services.changes)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path="/media",
        action=Action.SEE_CASES,
        handle=list_media,
        summary="Media by what they are, last seen first; or the register's lines by number",
        query=MediaQuery,
        answer=MediaPage,
    ),
    Operation(
        method="GET",
        path="/media/{id}",
        action=Action.SEE_CASES,
        handle=one_line,
        summary="One line of the media register by its number",
        answer=RegisterLineBody,
    ),
    Operation(
        method="PUT",
        path="/media/{id}",
        action=Action.EDIT_REGISTER,
        handle=put_line,
        summary="Register a medium under this number, or change its line",
        answer=RegisterLineBody,
        takes_body=True,
        body=LineBody,
    ),
    Operation(
        method="DELETE",
        path="/media/{id}",
        action=Action.EDIT_REGISTER,
        handle=delete_line,
        summary="Take a medium out of the register",
        answer=RemovedBody,
        takes_body=True,
    ),
)
