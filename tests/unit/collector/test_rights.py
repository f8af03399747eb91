from pathlib import Path

import pytest

from collector.cases import Act
from collector.rights import ACT_RIGHTS, RIGHTS, Action, Role, may

README = (Path(__file__).parents[3] / "collector/README.md").read_text("utf-8")
TABLE = {
    Action.SEE_CASES: "admin officer auditor duty director department",
    Action.SEE_HOSPITAL: "admin officer auditor duty director",
    Action.SEE_ENDPOINTS: "admin officer auditor duty director",
    Action.SEE_OBSERVATIONS: "officer auditor",
    Action.SEE_POLICY: "officer auditor duty director",
    Action.SEE_FAULTS: "admin officer auditor duty",
    Action.ANSWER_CASES: "officer duty department",
    Action.WORK_CASES: "officer duty",
    Action.DECIDE_CASES: "officer",
    Action.EDIT_REGISTER: "officer",
    Action.APPLY_POLICY: "officer",
    Action.MANAGE_ACCOUNTS: "admin",
}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("action", list(Action))
def test_each_role_may_do_what_the_table_says_and_nothing_else(action, role):
    assert may(role, action) is (role.value in TABLE[action].split())


def test_the_table_of_the_readme_is_the_one_in_force():
    rows = [row.split("|")[1:-1] for row in README.splitlines() if row.startswith("| ")]
    head = next(row for row in rows if "rights.py" in row[0])
    told = {
        (row[0].split("`")[1], role.strip()): cell.strip()
        for row in rows
        for role, cell in zip(head[1:], row[1:], strict=False)
        if row[0].split("`")[1:2] and row[0].split("`")[1] in list(Action)
    }

    assert told == {
        (action.value, role.value): _cell(role) if may(role, action) else ""
        for action in Action
        for role in Role
    }


def _cell(role: Role) -> str:
    return "own" if role is Role.DEPARTMENT else "yes"


def test_every_act_on_a_case_needs_a_right():
    assert set(ACT_RIGHTS) == {act.value for act in Act}


def test_no_role_holds_two_of_the_three_separate_duties():
    duties = (Action.APPLY_POLICY, Action.MANAGE_ACCOUNTS)

    assert not RIGHTS[duties[0]] & RIGHTS[duties[1]]


def test_a_role_that_nobody_knows_may_nothing():
    assert not any(may("root", action) for action in Action)
