"""One act on many cases of the list: all of them or none, and told in a line."""

import re

import pytest
from msgspec import structs

from checks.wire import encode
from collector.acts import MANY_LIMIT, CaseActs
from collector.auth import add_user
from collector.cases import SOME_LEFT, TOO_MANY_CASES, ActRefused, CaseState
from collector.dashboard.case_filter import OPEN
from collector.dashboard.cases_offer import ACTS, mark_of
from collector.dashboard.cases_told import COOKIE
from collector.entries import CaseAct, EntryKind
from collector.judge import rebuild
from collector.queries.cases import CaseFilter, count_cases, ids_of, story_of
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import (
    PASSWORD,
    USB,
    WARDS,
    Hospital,
    leak,
    mounted,
    network,
    now_us,
    outside,
)

OFFICER = "安全员"


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(tmp_path, base_url=SITE)
    made.people()
    for ward in WARDS[:3]:
        made.enrol(ward)
        made.tell(ward[0], network(), leak("two_way"), outside())
    yield made
    made.close()


def ids(hospital, **narrowed):
    return ids_of(hospital.services.store_engine, CaseFilter(**narrowed), limit=100)


def send(hospital, act, cases=(), *, who=OFFICER, query="", **fields):
    data = {"act": act, "case": list(cases), **fields}
    return ask(hospital, "POST", f"/cases{query}", who=who, data=data, with_token=True)


def mark(page: str) -> str:
    found = re.search(r'name="all" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def test_ticked_cases_are_closed_with_one_reason(hospital):
    chosen = ids(hospital)[:2]

    answer = send(hospital, "close", chosen, reason="同一根网线", query="?state=open")

    assert (answer.status_code, answer.headers["location"]) == (303, "/cases?state=open")
    assert f"{COOKIE}=close.2" in answer.headers["set-cookie"]
    assert set(ids(hospital, states=(CaseState.CLOSED,))) == set(chosen)
    for case in chosen:
        told = story_of(hospital.services.store_engine, case)[0]
        assert (told.act, told.actor, told.detail["reason"]) == ("close", OFFICER, "同一根网线")


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("close.1", "1 case closed"),
        ("close.14", "14 cases closed"),
        ("assign.2", "2 cases assigned"),
        ("comment.1", "1 case commented on"),
        ("acknowledge.3", "3 cases acknowledged"),
        ("verify.3", ""),
        ("<b>.3", ""),
    ],
)
def test_what_was_done_is_told_in_a_line_and_forgotten(hospital, said, line):
    page = ask(hospital, "GET", "/cases", who=OFFICER, cookies={COOKIE: said})

    assert ('role="status"><svg' in page.text) is bool(line)
    assert line in page.text
    assert f'{COOKIE}=""' in page.headers["set-cookie"]


def test_when_one_cannot_bear_it_none_is_touched_and_the_refusal_names_it(hospital):
    chosen = ids(hospital)
    hospital.services.acts.on_case(chosen[1], "acknowledge", actor=OFFICER)

    refused = send(hospital, "acknowledge", chosen)

    assert refused.status_code == 409
    assert f"No case was changed. {chosen[1]}: This step does not fit" in refused.text
    assert len(ids(hospital, states=(CaseState.AWAITING_ACKNOWLEDGEMENT,))) == len(chosen) - 1
    assert refused.text.count(" checked ") == len(chosen)


def test_all_that_the_filter_shows_are_meant_and_no_others(hospital):
    rule = "?rule=EXT-06"
    page = ask(hospital, "GET", f"/cases{rule}", who=OFFICER)

    done = send(hospital, "assign", query=rule, all=mark(page.text), to="duty")

    assert done.status_code == 303
    assert set(ids(hospital, assignee="duty")) == set(ids(hospital, rules=("EXT-06",)))
    assert len(ids(hospital, assignee="duty")) == 3


def test_all_are_refused_when_another_case_has_come_since_they_were_shown(hospital):
    page = ask(hospital, "GET", "/cases", who=OFFICER)
    hospital.enrol(WARDS[3])
    hospital.tell(WARDS[3][0], network(), leak("two_way"))

    refused = send(hospital, "close", all=mark(page.text), reason="x")

    assert refused.status_code == 409
    assert "The list has changed since" in refused.text
    assert ids(hospital, states=(CaseState.CLOSED,)) == []


@pytest.mark.parametrize(
    ("act", "fields", "why"),
    [
        ("close", {}, "Please give a reason"),
        ("comment", {"reason": " "}, "Please give a reason"),
        ("comment", {"reason": "x" * 2_001}, "longer than 2000"),
        ("assign", {"to": "auditor"}, "works on cases here"),
    ],
)
def test_a_wish_that_is_not_fit_changes_nothing(hospital, act, fields, why):
    refused = send(hospital, act, ids(hospital), **fields)

    assert refused.status_code == 409
    assert why in refused.text
    assert {len(story_of(hospital.services.store_engine, case)) for case in ids(hospital)} == {1}


def test_without_a_tick_nothing_is_done(hospital):
    refused = send(hospital, "acknowledge")

    assert refused.status_code == 409
    assert "Tick the cases first" in refused.text


@pytest.mark.parametrize(
    ("who", "may"),
    [
        (OFFICER, ["acknowledge", "assign", "comment", "close"]),
        ("duty", ["acknowledge", "assign", "comment"]),
        ("auditor", []),
        ("admin", []),
        ("director", []),
    ],
)
def test_each_role_is_offered_and_may_do_its_own(hospital, who, may):
    page = ask(hospital, "GET", "/cases", who=who).text
    case = ids(hospital)[0]

    for act in ("acknowledge", "assign", "comment", "close"):
        assert (f'name="act" value="{act}"' in page) is (act in may)
        answer = send(hospital, act, [case], who=who, reason="x", to="duty")
        assert answer.status_code == (303 if act in may else 403)
    assert ('name="case"' in page) is bool(may)


@pytest.mark.parametrize("act", ["verify", "recheck", "false_alarm", "report", "no-such", "\0"])
def test_no_other_act_is_done_to_many(hospital, act):
    assert send(hospital, act, ids(hospital), reason="x").status_code == 403


def test_words_of_a_refused_form_are_shown_inert(hospital):
    hostile = "</textarea><script>alert(1)</script>\u202e"

    refused = send(hospital, "assign", ids(hospital), reason=hostile, to='"><script>')

    assert refused.status_code == 409
    assert "<script>alert" not in refused.text
    assert '"><script>' not in refused.text


def test_more_than_the_bound_are_refused_and_a_case_named_twice_is_one(hospital):
    acts, case = hospital.services.acts, ids(hospital)[0]
    with pytest.raises(ActRefused) as told:
        acts.on_cases((f"EXT-01-{n}" for n in range(MANY_LIMIT + 1)), "comment", actor=OFFICER)
    acts.on_cases([case, case], "comment", actor=OFFICER, reason="once")

    assert told.value.message == TOO_MANY_CASES
    assert [line.act for line in story_of(hospital.services.store_engine, case)] == [
        "comment",
        "opened",
    ]


def test_the_mark_is_of_the_cases_and_not_of_their_order():
    assert mark_of(["a", "b"]) == mark_of(["b", "a"]) != mark_of(["a"])
    assert (OPEN, len(ACTS)) == ("open", 4)


def test_a_departments_officer_reaches_the_own_departments_cases_only(hospital):
    store, own = hospital.services.store_engine, WARDS[0][2]
    add_user(
        store,
        name="林晓棠",
        password=PASSWORD,
        role="department",
        department=own,
        now_us=now_us(),
    )
    page = ask(hospital, "GET", "/cases", who="林晓棠").text

    foreign = send(hospital, "comment", ids(hospital), who="林晓棠", reason="x")
    done = send(hospital, "comment", who="林晓棠", reason="x", all=mark(page))

    assert foreign.status_code == 409
    assert "There is no such case" in foreign.text
    assert done.status_code == 303
    commented = {case for case in ids(hospital) if story_of(store, case)[0].act == "comment"}
    assert commented == set(ids(hospital, department=own))
    assert send(hospital, "assign", ids(hospital, department=own), who="林晓棠").status_code == 403


def test_a_thousand_are_closed_at_once_and_a_rebuilt_store_has_them_closed(hospital):
    store, services = hospital.services.store_engine, hospital.services
    media = [structs.replace(USB, key=f"{n:016x}") for n in range(MANY_LIMIT)]
    hospital.tell(WARDS[0][0], *(mounted(medium) for medium in media))
    page = ask(hospital, "GET", "/cases?rule=MED-01", who=OFFICER).text

    done = send(hospital, "close", query="?rule=MED-01", all=mark(page), reason="drill")

    assert done.status_code == 303
    assert f"{COOKIE}=close.{MANY_LIMIT}" in done.headers["set-cookie"]
    closed = CaseFilter(rules=("MED-01",), states=(CaseState.CLOSED,))
    assert count_cases(store, closed) == MANY_LIMIT
    newest = services.journal.newest()
    rebuild(store, services.journal)
    services.journal.append(EntryKind.ACT, b"{}")
    assert services.changes.wait_for_entry(newest + 1, 20)
    assert count_cases(store, closed) == MANY_LIMIT


def test_more_than_the_bound_are_not_offered_as_all(hospital):
    media = [structs.replace(USB, key=f"{n:016x}") for n in range(MANY_LIMIT + 1)]
    hospital.tell(WARDS[0][0], *(mounted(medium) for medium in media))

    page = ask(hospital, "GET", "/cases?rule=MED-01", who=OFFICER).text

    assert 'name="all"' not in page
    assert "All at once only up to 1000" in page
    assert 'name="case"' in page


def test_those_that_changed_in_between_are_left_and_counted(hospital):
    """The journal takes another's act in before ours, after ours was looked at."""
    services, chosen = hospital.services, ids(hospital)
    quicker = CaseAct(case=chosen[0], act="close", actor="duty", reason="quicker")

    class Overtaken:
        def append_all(self, kind, bodies):
            services.journal.append(EntryKind.ACT, encode(quicker))
            return services.journal.append_all(kind, bodies)

    acts = CaseActs(
        journal=Overtaken(),
        store=services.store_engine,
        changes=services.changes,
        clock=services.clock,
    )
    with pytest.raises(ActRefused) as told:
        acts.on_cases(chosen, "close", actor=OFFICER, reason="x")

    assert str(told.value) == f"1{SOME_LEFT.removeprefix('{number}')}"
    assert story_of(services.store_engine, chosen[0])[1].actor == "duty"
    assert set(ids(hospital, states=(CaseState.CLOSED,))) == set(chosen)
