"""Who may do what: the separate roles (三员分立) as a table.

The administrator runs the system and its accounts but touches no case and no policy; the
security officer works cases, policy and registers but makes no accounts; the auditor
reads and changes nothing.  A department's officer sees and answers the cases of the own
department and nothing else.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    ADMIN = "admin"
    OFFICER = "officer"
    AUDITOR = "auditor"
    DUTY = "duty"
    DIRECTOR = "director"
    DEPARTMENT = "department"


class Action(StrEnum):
    SEE_CASES = "see_cases"  # a department's officer: those of the own department
    SEE_HOSPITAL = "see_hospital"  # overview, media, reports
    SEE_ENDPOINTS = "see_endpoints"
    SEE_OBSERVATIONS = "see_observations"
    SEE_POLICY = "see_policy"
    SEE_FAULTS = "see_faults"
    ANSWER_CASES = "answer_cases"  # acknowledge, rectify, comment
    WORK_CASES = "work_cases"  # handle, assign
    DECIDE_CASES = "decide_cases"  # verify, recheck, close, call it a false alarm
    EDIT_REGISTER = "edit_register"
    APPLY_POLICY = "apply_policy"
    MANAGE_ACCOUNTS = "manage_accounts"


_EVERYBODY = frozenset(Role)
_WHOLE_HOSPITAL = _EVERYBODY - {Role.DEPARTMENT}

RIGHTS: Mapping[Action, frozenset[Role]] = MappingProxyType(
    {
        Action.SEE_CASES: _EVERYBODY,
        Action.SEE_HOSPITAL: _WHOLE_HOSPITAL,
        Action.SEE_ENDPOINTS: _WHOLE_HOSPITAL,
        Action.SEE_OBSERVATIONS: frozenset({Role.OFFICER, Role.AUDITOR}),
        Action.SEE_POLICY: frozenset({Role.OFFICER, Role.AUDITOR, Role.DUTY, Role.DIRECTOR}),
        Action.SEE_FAULTS: frozenset({Role.ADMIN, Role.OFFICER, Role.AUDITOR, Role.DUTY}),
        Action.ANSWER_CASES: frozenset({Role.OFFICER, Role.DUTY, Role.DEPARTMENT}),
        Action.WORK_CASES: frozenset({Role.OFFICER, Role.DUTY}),
        Action.DECIDE_CASES: frozenset({Role.OFFICER}),
        Action.EDIT_REGISTER: frozenset({Role.OFFICER}),
        Action.APPLY_POLICY: frozenset({Role.OFFICER}),
        Action.MANAGE_ACCOUNTS: frozenset({Role.ADMIN}),
    }
)

ACT_RIGHTS: Mapping[str, Action] = MappingProxyType(
    {
        "acknowledge": Action.ANSWER_CASES,
        "verify": Action.DECIDE_CASES,
        "handle": Action.WORK_CASES,
        "rectify": Action.ANSWER_CASES,
        "recheck": Action.DECIDE_CASES,
        "close": Action.DECIDE_CASES,
        "false_alarm": Action.DECIDE_CASES,
        "confirm_false_alarm": Action.DECIDE_CASES,
        "reject_false_alarm": Action.DECIDE_CASES,
        "judge_major": Action.DECIDE_CASES,
        "report": Action.DECIDE_CASES,
        "assign": Action.WORK_CASES,
        "comment": Action.ANSWER_CASES,
    }
)
"""Which right each act on a case needs (`collector.cases.Act`)."""


def may(role: str, action: Action) -> bool:
    """Whether an account of this role may; a role nobody knows may nothing."""
    return role in RIGHTS[action]
