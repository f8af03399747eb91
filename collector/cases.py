"""What a case is and how it moves: a pure state machine.

A case gathers the findings of one rule at one endpoint about one subject.  Findings
join the open case; after its close the next finding opens a new one.

    待签收 ─acknowledge─► 待核实 ─verify─► 处置中 ─handle─► 待整改 ─rectify─► 待复查 ─recheck─► 已销号
    any open state ─judge_major─► the same   (较大 or not, with a reason)
    any open state ─report─► the same   (with the report's reference)
    any open state ─assign─► the same, somebody's or nobody's
    any open state ─close─► 已销号   (with a reason)
    any open state ─false_alarm─► the same, proposed   (with a reason)
        ─confirm_false_alarm─► 误报   (by a second person)
        ─reject_false_alarm─► the same   (with a reason)
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from checks.finding import Finding, Severity
from collector.clocks import Deadlines

REASON_LIMIT = 2000
"""Characters of a person's own words that are kept with an act."""


class CaseState(StrEnum):
    AWAITING_ACKNOWLEDGEMENT = "awaiting_acknowledgement"
    AWAITING_VERIFICATION = "awaiting_verification"
    HANDLING = "handling"
    AWAITING_RECTIFICATION = "awaiting_rectification"
    AWAITING_RECHECK = "awaiting_recheck"
    CLOSED = "closed"
    FALSE_ALARM = "false_alarm"


CLOSED_STATES = frozenset({CaseState.CLOSED, CaseState.FALSE_ALARM})


class Act(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    VERIFY = "verify"
    HANDLE = "handle"
    RECTIFY = "rectify"
    RECHECK = "recheck"
    CLOSE = "close"
    FALSE_ALARM = "false_alarm"
    CONFIRM = "confirm_false_alarm"
    REJECT = "reject_false_alarm"
    JUDGE = "judge_major"
    REPORT = "report"
    ASSIGN = "assign"
    COMMENT = "comment"


STEPS: Mapping[Act, tuple[CaseState, CaseState]] = MappingProxyType(
    {
        Act.ACKNOWLEDGE: (CaseState.AWAITING_ACKNOWLEDGEMENT, CaseState.AWAITING_VERIFICATION),
        Act.VERIFY: (CaseState.AWAITING_VERIFICATION, CaseState.HANDLING),
        Act.HANDLE: (CaseState.HANDLING, CaseState.AWAITING_RECTIFICATION),
        Act.RECTIFY: (CaseState.AWAITING_RECTIFICATION, CaseState.AWAITING_RECHECK),
        Act.RECHECK: (CaseState.AWAITING_RECHECK, CaseState.CLOSED),
    }
)
EXITS: Mapping[Act, CaseState] = MappingProxyType(
    {Act.CLOSE: CaseState.CLOSED, Act.FALSE_ALARM: CaseState.FALSE_ALARM}
)
NEED_REASON = frozenset(
    {Act.CLOSE, Act.FALSE_ALARM, Act.REJECT, Act.JUDGE, Act.REPORT, Act.COMMENT}
)

YES, NO = "yes", "no"
REFUSED = "refused"
"""The act of a timeline line that tells of a step which did not fit any more."""

UNKNOWN_ACT = "There is no such step: {act}"
REASON_MISSING = "Please give a reason"
REASON_TOO_LONG = "The reason is longer than {limit} characters"
NOT_PROPOSED = "Nobody has called this case a false alarm"
SECOND_PERSON = "Somebody else must confirm the false alarm"
REVIEW_FIRST = "Confirm or reject first that it is a false alarm"
ALREADY_CLOSED = "The case is closed already"
OUT_OF_ORDER = "This step does not fit the case's present state"
MAJOR_OR_NOT = "Say yes or no: is it a major incident"
NOT_MAJOR = "It is no major incident: nothing is to be reported"
REPORT_FIRST = "A major incident is closed when it was reported"
NO_SUCH_PERSON = "Nobody called {person} works on cases here"
NO_SUCH_CASE = "There is no such case: {case}"
NOT_JUDGED_YET = "The step is recorded but has not taken effect yet"
TOO_MANY_CASES = "These are more than {limit} cases: narrow the list"
SOME_LEFT = "{number} of these cases had changed meanwhile and were left as they were"


class ActRefused(Exception):
    """An act that the case cannot bear.

    `message` is a catalogue id (an English sentence with `{named}` places), `params`
    what fills it, for the people who asked; `case` is the id of the one of many that refused.
    """

    def __init__(self, message: str, **params: str) -> None:
        super().__init__(message.format(**params))
        self.message = message
        self.params: Mapping[str, str] = MappingProxyType(params)
        self.case = ""


class CaseKey(msgspec.Struct, frozen=True, gc=False):
    """Findings with the same key belong together."""

    agent: str
    rule: str
    subject: str


class Sighting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One finding with what tells it apart: the fact's sequence at its agent and the
    finding's place among all that the fact gave.  `happened_us` is the fact's time,
    `learned_us` when the collector received it.
    """

    rule: str
    finding: Finding
    severity: Severity
    sequence: int
    ordinal: int
    happened_us: int
    learned_us: int


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case as the store has it; times are microseconds since the epoch, 0 is never.

    `opened_us` is when the collector learned of it, `last_seen_us` when the newest of
    its findings happened at the endpoint.  `proposed_by` called it a false alarm for the reason
    `proposed_why`, until a second person has looked at it.  `assignee` is the account whose case
    it is, empty for nobody's.  `major` says whether the incident is 较大 or above (`yes`, `no`,
    empty while nobody judged it); until `report_due_us` it has to be reported, and `reported` is
    the reference of that report.
    """

    id: str
    rule: str
    agent: str
    subject: str
    severity: Severity
    state: CaseState
    opened_us: int
    last_seen_us: int
    closed_us: int = 0
    count: int
    policy_version: int
    decided_by: str
    message: str
    params: Mapping[str, str]
    acknowledge_due_us: int = 0
    contain_due_us: int = 0
    close_due_us: int = 0
    acknowledged_by: str = ""
    department: str = ""
    proposed_by: str = ""
    proposed_why: str = ""
    assignee: str = ""
    report_due_us: int = 0
    major: str = ""
    reported: str = ""

    @property
    def is_open(self) -> bool:
        return self.state not in CLOSED_STATES

    @property
    def key(self) -> CaseKey:
        return CaseKey(self.agent, self.rule, self.subject)


def case_id(key: CaseKey, sequence: int) -> str:
    """The same case has the same id however often the journal is replayed.

    RULE, a dash and 40 bits of SHA-256 over who, what and the first fact.
    """
    told = "\0".join((key.agent, key.rule, key.subject, str(sequence)))
    digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()
    return f"{key.rule}-{base64.b32encode(digest[:5]).decode('ascii')}"


def opened(
    key: CaseKey,
    sighting: Sighting,
    *,
    policy_version: int,
    deadlines: Deadlines,
    department: str,
) -> Case:
    """A new case of its first finding."""
    finding = sighting.finding
    return Case(
        id=case_id(key, sighting.sequence),
        rule=key.rule,
        agent=key.agent,
        subject=key.subject,
        severity=sighting.severity,
        state=CaseState.AWAITING_ACKNOWLEDGEMENT,
        opened_us=sighting.learned_us,
        last_seen_us=sighting.happened_us,
        count=finding.count,
        policy_version=policy_version,
        decided_by=finding.decided_by,
        message=finding.message,
        params=finding.params,
        acknowledge_due_us=deadlines.acknowledge_us,
        contain_due_us=deadlines.contain_us,
        close_due_us=deadlines.close_us,
        department=department,
    )


def joined(case: Case, sighting: Sighting) -> Case:
    """The open case with one more finding; its severity only ever rises."""
    graver = sighting.severity.rank < case.severity.rank
    return msgspec.structs.replace(
        case,
        count=case.count + sighting.finding.count,
        last_seen_us=max(case.last_seen_us, sighting.happened_us),
        severity=sighting.severity if graver else case.severity,
    )


def after_act(  # noqa: PLR0913 - an act, by name
    case: Case,
    act: str,
    *,
    actor: str,
    reason: str,
    at_us: int,
    to: str = "",
    alone: bool = False,
) -> Case:
    """The case after what a person did to it; `to` is whom it is assigned to, `alone` says that
    one person may call it a false alarm.

    Raises:
        ActRefused: the step does not exist, needs a reason, or does not fit the case.
    """
    step = _known(act)
    _look_at(step, reason)
    if step is Act.COMMENT:
        return case
    if not case.is_open:
        raise ActRefused(ALREADY_CLOSED)
    if step in _ASIDE:
        return _ASIDE[step](case, to, reason.strip())
    if step in (Act.CONFIRM, Act.REJECT):
        return _reviewed(case, step, actor, at_us)
    if case.proposed_by and step is not Act.ACKNOWLEDGE:
        raise ActRefused(REVIEW_FIRST)
    if step is Act.FALSE_ALARM and not alone:
        return msgspec.structs.replace(case, proposed_by=actor, proposed_why=reason.strip())
    reached = EXITS.get(step) or _next_state(case.state, step)
    if reached is CaseState.CLOSED and case.major == YES and not case.reported:
        raise ActRefused(REPORT_FIRST)
    return msgspec.structs.replace(
        case,
        state=reached,
        acknowledged_by=actor if step is Act.ACKNOWLEDGE else case.acknowledged_by,
        closed_us=at_us if reached in CLOSED_STATES else 0,
    )


def possible_acts(case: Case, actor: str) -> tuple[Act, ...]:
    """What this person may do to the case as far as it goes by the case, the step forward first."""
    if not case.is_open:
        return (Act.COMMENT,)
    forward = tuple(act for act, (before, _) in STEPS.items() if before is case.state)
    if not case.proposed_by:
        return (*forward, *EXITS, *_reports(case), Act.ASSIGN, Act.COMMENT)
    confirm = (Act.CONFIRM,) if actor != case.proposed_by else ()
    acknowledge = tuple(act for act in forward if act is Act.ACKNOWLEDGE)
    return (*confirm, *acknowledge, Act.REJECT, *_reports(case), Act.ASSIGN, Act.COMMENT)


def _reports(case: Case) -> tuple[Act, ...]:
    """Of cases with the clock of the report."""
    if not case.report_due_us or case.reported:
        return ()
    return (Act.JUDGE,) if case.major == NO else (Act.JUDGE, Act.REPORT)


def _assigned(case: Case, to: str, _reason: str) -> Case:
    return msgspec.structs.replace(case, assignee=to)


def _judged_major(case: Case, to: str, _reason: str) -> Case:
    if to not in (YES, NO):
        raise ActRefused(MAJOR_OR_NOT)
    return msgspec.structs.replace(case, major=to)


def _reported(case: Case, _to: str, reason: str) -> Case:
    if case.major == NO:
        raise ActRefused(NOT_MAJOR)
    return msgspec.structs.replace(case, major=YES, reported=reason)


_ASIDE: Mapping[Act, Callable[[Case, str, str], Case]] = MappingProxyType(
    {Act.ASSIGN: _assigned, Act.JUDGE: _judged_major, Act.REPORT: _reported}
)
"""Acts that move no case from its state."""


def _look_at(step: Act, reason: str) -> None:
    """Raises ActRefused for a reason that is missing or too long."""
    if step in NEED_REASON and not reason.strip():
        raise ActRefused(REASON_MISSING)
    if len(reason) > REASON_LIMIT:
        raise ActRefused(REASON_TOO_LONG, limit=str(REASON_LIMIT))


def _reviewed(case: Case, step: Act, actor: str, at_us: int) -> Case:
    """By the second person; who proposed it may take it back."""
    if not case.proposed_by:
        raise ActRefused(NOT_PROPOSED)
    if step is Act.REJECT:
        return msgspec.structs.replace(case, proposed_by="", proposed_why="")
    if actor == case.proposed_by:
        raise ActRefused(SECOND_PERSON)
    return msgspec.structs.replace(case, state=CaseState.FALSE_ALARM, closed_us=at_us)


def _known(act: str) -> Act:
    try:
        return Act(act)
    except ValueError:
        raise ActRefused(UNKNOWN_ACT, act=act) from None


def _next_state(state: CaseState, step: Act) -> CaseState:
    before, after = STEPS[step]
    if state is not before:
        raise ActRefused(OUT_OF_ORDER)
    return after
