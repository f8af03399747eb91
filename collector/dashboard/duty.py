"""The duty roster 值班表 and the hand-over 交接班."""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

from starlette.responses import Response

from collector.alerts.decide import reached
from collector.clocks import local_time, microseconds_in
from collector.dashboard.door import Visit, see_other
from collector.dashboard.forms import one as field
from collector.duty.acts import DutyActs, DutyRefused
from collector.duty.imports import (
    BAD_MOMENT,
    FIELDS,
    Fault,
    MomentWrong,
    read_roster,
    shift_from,
)
from collector.duty.roster import NOTE_LIMIT, TEXT_LIMIT, gaps, on_duty
from collector.queries.duty import newest_notes, shifts_after
from collector.rights import Action
from collector.sheets import SheetRefused, rows_of

AHEAD = timedelta(days=7)
"""How far gaps of the roster are told."""
SHIFTS_SHOWN = 60
_FORM_MOMENT = "%Y-%m-%dT%H:%M"


def show(visit: Visit) -> Response:
    return _page(visit)


def hand_over(visit: Visit) -> Response:
    """A note for the next shift, or that this one has taken over."""
    acts, note = _acts_of(visit), field(visit.form, "note")
    try:
        if field(visit.form, "step") == "take_over":
            acts.take_over()
        else:
            acts.hand_over(note)
    except DutyRefused as refused:
        return _page(visit, error=_said(refused, visit), note=note)
    return see_other("/duty")


def change(visit: Visit) -> Response:
    """A shift written down, or one taken out."""
    acts = _acts_of(visit)
    if field(visit.form, "step") == "remove":
        asked = field(visit.form, "shift")
        if asked in {shift.id for shift in shifts_after(visit.services.store_engine, 0)}:
            acts.remove(asked)
        return see_other("/duty")
    texts = {name: field(visit.form, name) for name in FIELDS}
    try:
        acts.add(shift_from(texts, _timezone(visit)))
    except DutyRefused as refused:
        return _page(visit, error=_said(refused, visit), values=texts)
    except MomentWrong as moment:
        told = visit.says.format(BAD_MOMENT, {"moment": str(moment)})
        return _page(visit, error=told, values=texts)
    return see_other("/duty")


def take_in(visit: Visit) -> Response:
    """A file with a week's shifts: all of it, or what is wrong is told by its row."""
    try:
        reading = read_roster(rows_of(visit.file.content), _timezone(visit))
    except SheetRefused as refused:
        return _page(visit, error=visit.says.format(refused.message, refused.params))
    if reading.faults:
        return _page(visit, faults=reading.faults)
    known = shifts_after(visit.services.store_engine, 0)
    _acts_of(visit).take_in(reading.shifts, known)
    return see_other("/duty")


def _page(
    visit: Visit,
    *,
    error: str = "",
    note: str = "",
    values: Mapping[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
) -> Response:
    now_us = visit.services.clock()
    shifts = shifts_after(visit.services.store_engine, now_us)
    notes = newest_notes(visit.services.store_engine)
    wrong = bool(error or faults)
    return visit.page(
        "duty.html",
        HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK,
        error=error,
        faults=[(one.row, visit.says.format(one.message, one.params)) for one in faults],
        note=note,
        note_limit=NOTE_LIMIT,
        text_limit=TEXT_LIMIT,
        values={**_empty(visit), **(values or {})},
        now=on_duty(shifts, now_us),
        now_us=now_us,
        gaps=list(gaps(shifts, now_us, now_us + microseconds_in(AHEAD))),
        days=AHEAD.days,
        fallback=_fallback(visit),
        shifts=shifts[:SHIFTS_SHOWN],
        left_out=max(0, len(shifts) - SHIFTS_SHOWN),
        waiting=[each for each in notes if not each.taken_us],
        taken=[each for each in notes if each.taken_us],
        edits=visit.may(Action.EDIT_REGISTER),
        works=visit.may(Action.WORK_CASES),
    )


def _fallback(visit: Visit) -> list[str]:
    """Whom cases are mailed to while nobody is on duty; none where no mail asks for the roster."""
    mail = visit.services.policies.current().mail
    named = [one.address for one in mail.recipients if one.duty]
    for step in mail.escalation:
        named += reached(step.addresses, (), duty=True) if step.duty else ()
    return list(dict.fromkeys(named))


def _empty(visit: Visit) -> dict[str, str]:
    """The form as it comes: from the end of the last shift on, or from now."""
    return {**dict.fromkeys(FIELDS, ""), "from": _next_begin(visit)}


def _next_begin(visit: Visit) -> str:
    services = visit.services
    shifts = shifts_after(services.store_engine, services.clock())
    begin_us = max((shift.to_us for shift in shifts), default=services.clock())
    return local_time(begin_us, _timezone(visit)).strftime(_FORM_MOMENT)


def _acts_of(visit: Visit) -> DutyActs:
    services = visit.services
    return DutyActs(journal=services.journal, changes=services.changes, actor=visit.user)


def _timezone(visit: Visit) -> str:
    return visit.services.policies.current().hospital.timezone


def _said(refused: DutyRefused, visit: Visit) -> str:
    return visit.says.format(refused.message, refused.params)
