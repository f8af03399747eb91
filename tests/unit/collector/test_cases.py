import msgspec
import pytest

from checks.finding import Finding, Severity
from collector.cases import (
    ALREADY_CLOSED,
    MAJOR_OR_NOT,
    NOT_MAJOR,
    NOT_PROPOSED,
    OUT_OF_ORDER,
    REASON_MISSING,
    REASON_TOO_LONG,
    REPORT_FIRST,
    REVIEW_FIRST,
    SECOND_PERSON,
    Act,
    ActRefused,
    Case,
    CaseKey,
    CaseState,
    Sighting,
    after_act,
    case_id,
    joined,
    opened,
    possible_acts,
)
from collector.clocks import Deadlines

KEY = CaseKey("a-1", "EXT-01", "usb0")


def sighting(*, count: int = 1, severity: Severity = Severity.HIGH, at_us: int = 50) -> Sighting:
    return Sighting(
        rule="EXT-01",
        finding=Finding(subject="usb0", message="m", count=count),
        severity=severity,
        sequence=9,
        ordinal=0,
        happened_us=at_us,
        learned_us=100,
    )


def a_case(state: CaseState = CaseState.AWAITING_ACKNOWLEDGEMENT) -> Case:
    case = opened(
        KEY, sighting(), policy_version=3, deadlines=Deadlines(acknowledge_us=7), department="d"
    )
    return Case(
        **{**{name: getattr(case, name) for name in case.__struct_fields__}, "state": state}
    )


def test_a_replayed_case_has_the_same_id():
    assert case_id(KEY, 9) == case_id(CaseKey("a-1", "EXT-01", "usb0"), 9)
    assert case_id(KEY, 9) != case_id(KEY, 10)


def test_an_id_is_the_rule_and_eight_letters():
    rule, _, rest = case_id(KEY, 9).rpartition("-")

    assert (rule, len(rest)) == ("EXT-01", 8)
    assert set(rest) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def test_a_case_keeps_when_it_happened_apart_from_when_it_was_learned():
    case = a_case()

    assert (case.opened_us, case.last_seen_us, case.acknowledge_due_us) == (100, 50, 7)


def test_findings_add_their_counts_and_an_older_one_does_not_turn_time_back():
    case = joined(joined(a_case(), sighting(count=4, at_us=80)), sighting(at_us=20))

    assert (case.count, case.last_seen_us) == (6, 80)


def test_severity_rises_and_never_falls():
    raised = joined(a_case(), sighting(severity=Severity.CRITICAL))

    assert raised.severity is Severity.CRITICAL
    assert joined(raised, sighting(severity=Severity.NOTICE)).severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("state", "act", "reached"),
    [
        (CaseState.AWAITING_ACKNOWLEDGEMENT, "acknowledge", CaseState.AWAITING_VERIFICATION),
        (CaseState.AWAITING_VERIFICATION, "verify", CaseState.HANDLING),
        (CaseState.HANDLING, "handle", CaseState.AWAITING_RECTIFICATION),
        (CaseState.AWAITING_RECTIFICATION, "rectify", CaseState.AWAITING_RECHECK),
        (CaseState.AWAITING_RECHECK, "recheck", CaseState.CLOSED),
        (CaseState.HANDLING, "close", CaseState.CLOSED),
        (CaseState.HANDLING, "false_alarm", CaseState.HANDLING),
        (CaseState.HANDLING, "comment", CaseState.HANDLING),
        (CaseState.CLOSED, "comment", CaseState.CLOSED),
    ],
)
def test_an_act_leads_to_its_state(state, act, reached):
    after = after_act(a_case(state), act, actor="li", reason="because", at_us=500)

    assert after.state is reached


@pytest.mark.parametrize(
    ("state", "act", "reason", "message"),
    [
        (CaseState.HANDLING, "acknowledge", "", OUT_OF_ORDER),
        (CaseState.AWAITING_ACKNOWLEDGEMENT, "recheck", "", OUT_OF_ORDER),
        (CaseState.HANDLING, "close", " \n", REASON_MISSING),
        (CaseState.HANDLING, "false_alarm", "", REASON_MISSING),
        (CaseState.HANDLING, "comment", "", REASON_MISSING),
        (CaseState.HANDLING, "comment", "x" * 2001, REASON_TOO_LONG),
        (CaseState.CLOSED, "close", "again", ALREADY_CLOSED),
        (CaseState.FALSE_ALARM, "acknowledge", "", ALREADY_CLOSED),
        (CaseState.HANDLING, "confirm_false_alarm", "", NOT_PROPOSED),
        (CaseState.HANDLING, "reject_false_alarm", "it is none", NOT_PROPOSED),
    ],
)
def test_an_act_that_does_not_fit_is_refused_in_words(state, act, reason, message):
    with pytest.raises(ActRefused) as refused:
        after_act(a_case(state), act, actor="li", reason=reason, at_us=500)

    assert refused.value.message == message


def test_who_acknowledged_and_when_it_closed_is_kept():
    acknowledged = after_act(a_case(), "acknowledge", actor="li", reason="", at_us=500)
    closed = after_act(acknowledged, "close", actor="wu", reason="done", at_us=900)

    assert (closed.acknowledged_by, closed.closed_us, closed.is_open) == ("li", 900, False)


@pytest.fixture
def proposed():
    return after_act(a_case(), "false_alarm", actor="li", reason=" test cable ", at_us=500)


def test_a_false_alarm_waits_for_a_second_person(proposed):
    assert (proposed.is_open, proposed.proposed_by, proposed.proposed_why) == (
        True,
        "li",
        "test cable",
    )

    confirmed = after_act(proposed, "confirm_false_alarm", actor="wu", reason="", at_us=900)

    assert (confirmed.state, confirmed.closed_us) == (CaseState.FALSE_ALARM, 900)


def test_who_called_it_so_is_no_second_person(proposed):
    with pytest.raises(ActRefused) as refused:
        after_act(proposed, "confirm_false_alarm", actor="li", reason="", at_us=900)

    assert refused.value.message == SECOND_PERSON


def test_until_then_nothing_closes_it_but_it_can_be_acknowledged(proposed):
    for act in ("close", "false_alarm"):
        with pytest.raises(ActRefused) as refused:
            after_act(proposed, act, actor="wu", reason="because", at_us=900)
        assert refused.value.message == REVIEW_FIRST

    acknowledged = after_act(proposed, "acknowledge", actor="wu", reason="", at_us=900)

    assert acknowledged.state is CaseState.AWAITING_VERIFICATION
    assert acknowledged.proposed_by == "li"


@pytest.mark.parametrize("actor", ["li", "wu"])
def test_rejected_it_goes_on_where_it_was(proposed, actor):
    rejected = after_act(proposed, "reject_false_alarm", actor=actor, reason="no", at_us=900)

    assert rejected == a_case()


def test_one_person_may_where_the_policy_says_so():
    closed = after_act(a_case(), "false_alarm", actor="li", reason="x", at_us=900, alone=True)

    assert (closed.state, closed.closed_us) == (CaseState.FALSE_ALARM, 900)


@pytest.mark.parametrize("state", list(CaseState))
@pytest.mark.parametrize("proposed_by", ["", "li", "wu"])
def test_what_is_offered_can_be_done(state, proposed_by):
    case = msgspec.structs.replace(a_case(state), proposed_by=proposed_by)
    offered = possible_acts(case, "li")

    assert offered
    for act in offered:
        after_act(case, act, actor="li", reason="because", to="yes", at_us=500)


def test_the_step_forward_is_offered_first():
    assert possible_acts(a_case(CaseState.HANDLING), "li")[0] is Act.HANDLE


def test_a_step_that_does_not_exist_is_refused_by_its_name():
    with pytest.raises(ActRefused, match="There is no such step: forget") as refused:
        after_act(a_case(), "forget", actor="li", reason="", at_us=500)

    assert dict(refused.value.params) == {"act": "forget"}


def test_a_case_knows_which_findings_belong_to_it():
    assert a_case().key == KEY


def test_a_case_is_somebodys_until_it_is_anothers_or_nobodys(proposed):
    for case in (a_case(), proposed):
        hers = after_act(case, "assign", actor="li", reason="", to="wu", at_us=900)
        assert hers == msgspec.structs.replace(case, assignee="wu")
        assert after_act(hers, "assign", actor="wu", reason="", at_us=950) == case


def test_a_major_incident_is_closed_when_it_was_reported():
    case = msgspec.structs.replace(a_case(), report_due_us=500)
    major = after_act(case, "judge_major", actor="li", reason="10,000 records", to="yes", at_us=1)
    with pytest.raises(ActRefused) as refused:
        after_act(major, "close", actor="li", reason="done", at_us=2)
    assert refused.value.message == REPORT_FIRST

    reported = after_act(major, "report", actor="li", reason=" 2026-17 ", at_us=3)

    assert (reported.major, reported.reported) == ("yes", "2026-17")
    assert not after_act(reported, "close", actor="li", reason="done", at_us=4).is_open


@pytest.mark.parametrize(
    ("act", "reason", "to", "message"),
    [
        ("judge_major", "because", "perhaps", MAJOR_OR_NOT),
        ("judge_major", " ", "no", REASON_MISSING),
        ("report", " ", "", REASON_MISSING),
    ],
)
def test_a_judgement_needs_its_words(act, reason, to, message):
    with pytest.raises(ActRefused) as refused:
        after_act(a_case(), act, actor="li", reason=reason, to=to, at_us=1)

    assert refused.value.message == message


def test_what_is_no_major_incident_is_not_reported_until_somebody_judges_anew():
    minor = after_act(a_case(), "judge_major", actor="li", reason="a test", to="no", at_us=1)
    with pytest.raises(ActRefused) as refused:
        after_act(minor, "report", actor="li", reason="17", at_us=2)
    assert refused.value.message == NOT_MAJOR

    assert after_act(minor, "judge_major", actor="li", reason="x", to="yes", at_us=3).major == "yes"


def test_only_what_may_have_to_be_reported_offers_it():
    critical = msgspec.structs.replace(a_case(), report_due_us=9)

    assert Act.REPORT not in possible_acts(a_case(), "li")
    assert {Act.JUDGE, Act.REPORT} <= {*possible_acts(critical, "li")}
    minor = msgspec.structs.replace(critical, major="no")
    assert Act.REPORT not in possible_acts(minor, "li")
