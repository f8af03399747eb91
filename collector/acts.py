"""What people do to cases: looked at, journalled, and waited for until it is done."""

from collections.abc import Iterable

from sqlalchemy import Engine, select

from checks.wire import encode
from collector.auth import list_users
from collector.cases import (
    NO_SUCH_CASE,
    NO_SUCH_PERSON,
    NOT_JUDGED_YET,
    REFUSED,
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
        """The same for many at once: when one refuses beforehand, none is touched."""
        wanted = tuple(cases)
        if act == Act.ASSIGN and to and to not in workers(self._store):
            raise ActRefused(NO_SUCH_PERSON, person=to)
        for case in wanted:
            known = self._case(case, within)
            after_act(known, act, actor=actor, reason=reason, at_us=self._clock(), to=to)
        done = [
            CaseAct(case=case, act=act, actor=actor, reason=reason.strip(), to=to)
            for case in wanted
        ]
        entries = [self._journal.append(EntryKind.ACT, encode(one)) for one in done]
        for case, entry in zip(wanted, entries, strict=True):
            self._await(case, entry)

    def _case(self, case: str, within: str) -> Case:
        with self._store.connect() as connection:
            row = connection.execute(
                select(schema.cases).where(schema.cases.c.id == case)
            ).one_or_none()
        if row is None or within not in ("", row.department):
            raise ActRefused(NO_SUCH_CASE, case=case)
        return case_from(row)

    def _await(self, case: str, entry: int) -> None:
        if not self._changes.wait_for_entry(entry, PATIENCE_S):
            raise ActRefused(NOT_JUDGED_YET)
        told = schema.timeline
        with self._store.connect() as connection:
            refusal = connection.execute(
                select(told.c.detail).where(
                    told.c.case == case, told.c.entry == entry, told.c.act == REFUSED
                )
            ).scalar_one_or_none()
        if refusal is not None:
            raise ActRefused(refusal["message"])


def workers(store: Engine) -> list[str]:
    """Accounts that cases can be assigned to."""
    known = (user for user in list_users(store) if not user.disabled)
    return [user.name for user in known if may(user.role, Action.WORK_CASES)]
