"""What people do to cases: looked at, journalled, and waited for until it is done."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Engine, select

from checks.wire import encode
from collector.auth import list_users
from collector.cases import (
    NO_SUCH_CASE,
    NO_SUCH_PERSON,
    NOT_JUDGED_YET,
    REFUSED,
    SOME_LEFT,
    TOO_MANY_CASES,
    Act,
    ActRefused,
    Case,
    after_act,
)
from collector.entries import CaseAct, EntryKind
from collector.judging.memory import case_from
from collector.ports import Changes, Clock, Journal
from collector.rights import Action, may
from collector.store import schema

PATIENCE_S = 5.0
MANY_LIMIT = 1_000
"""Cases that one act may touch."""


class CaseActs:
    """Fits `collector.ports.Acts`.  The judge works in this same process."""

    def __init__(self, *, journal: Journal, store: Engine, changes: Changes, clock: Clock) -> None:
        self._journal = journal
        self._store = store
        self._changes = changes
        self._clock = clock

    def on_case(  # noqa: PLR0913 - an act, by name
        self,
        case: str,
        act: str,
        *,
        actor: str,
        reason: str = "",
        to: str = "",
        within: str = "",
    ) -> None:
        """Done when this returns.  Of another department than `within`, where that is given, is
        no case.

        Raises:
            ActRefused: there is no such case or person, the step does not fit it, somebody
                else was quicker, or the judge has not come to it in five seconds.
        """
        self.on_cases((case,), act, actor=actor, reason=reason, to=to, within=within)

    def on_cases(  # noqa: PLR0913 - an act, by name
        self,
        cases: Iterable[str],
        act: str,
        *,
        actor: str,
        reason: str = "",
        to: str = "",
        within: str = "",
    ) -> None:
        """The same for many at once, MANY_LIMIT at most: when one refuses beforehand, none is
        touched, and the refusal names it.  They are journalled together or not at all.
        """
        wanted = tuple(dict.fromkeys(cases))
        if len(wanted) > MANY_LIMIT:
            raise ActRefused(TOO_MANY_CASES, limit=str(MANY_LIMIT))
        if act == Act.ASSIGN and to and to not in workers(self._store):
            raise ActRefused(NO_SUCH_PERSON, person=to)
        known = self._known(wanted, within)
        for case in wanted:
            try:
                after_act(
                    _found(known, case), act, actor=actor, reason=reason, at_us=self._clock(), to=to
                )
            except ActRefused as refused:
                refused.case = case
                raise
        done = (
            CaseAct(case=case, act=act, actor=actor, reason=reason.strip(), to=to)
            for case in wanted
        )
        self._await(self._journal.append_all(EntryKind.ACT, [encode(one) for one in done]))

    def _known(self, wanted: Sequence[str], within: str) -> dict[str, Case]:
        """Those of the ids that are cases here, and of this department where one is given."""
        with self._store.connect() as connection:
            rows = connection.execute(select(schema.cases).where(schema.cases.c.id.in_(wanted)))
            return {row.id: case_from(row) for row in rows if within in ("", row.department)}

    def _await(self, entries: Sequence[int]) -> None:
        """Until the judge has taken all of them."""
        if not entries:
            return
        if not self._changes.wait_for_entry(entries[-1], PATIENCE_S):
            raise ActRefused(NOT_JUDGED_YET)
        told = schema.timeline.c
        asked = select(told.detail).where(told.entry.in_(entries), told.act == REFUSED)
        with self._store.connect() as connection:
            refusals = connection.execute(asked).scalars().all()
        if refusals and len(entries) == 1:
            raise ActRefused(refusals[0]["message"])
        if refusals:
            raise ActRefused(SOME_LEFT, number=str(len(refusals)))


def _found(known: Mapping[str, Case], case: str) -> Case:
    if case not in known:
        raise ActRefused(NO_SUCH_CASE, case=case)
    return known[case]


def workers(store: Engine) -> list[str]:
    """Accounts that cases can be assigned to."""
    known = (user for user in list_users(store) if not user.disabled)
    return [user.name for user in known if may(user.role, Action.WORK_CASES)]
