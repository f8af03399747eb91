"""The judge over a real store: what is derived, once, whatever happens meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, event, func, select
from sqlalchemy.exc import OperationalError

from checks.check import Check, check, discover
from checks.facts import Fact
from checks.facts.connections import ConnectionSeen
from checks.facts.health import AgentStarted, AgentStopping, EndpointSilent, SensorGap, SensorHealth
from checks.finding import Finding
from checks.policy import Endpoint
from checks.wire import encode
from collector.acts import CaseActs
from collector.cases import (
    ALREADY_CLOSED,
    NO_SUCH_CASE,
    OUT_OF_ORDER,
    REASON_MISSING,
    ActRefused,
)
from collector.coverage import coverage
from collector.entries import CaseAct, Enrolled, EntryKind, Mailed, PolicyApplied, Word
from collector.fleet_shares import watched
from collector.judge import DERIVED, Judge, rebuild
from collector.store import schema
from collector.store.engine import open_store
from tests.fakes.batches import POLICY, START_US, connection, health, network, observation, sealed
from tests.fakes.journal import MemoryJournal, RecordedChanges

AGENT = "a-0001"
SECOND_US = 1_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(tmp_path)
    schema.store.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def journal() -> MemoryJournal:
    journal = MemoryJournal()
    journal.append(EntryKind.POLICY, encode(PolicyApplied(version=7, actor="wu", text=POLICY)))
    enrolled = Enrolled(
        endpoint=Endpoint(id=AGENT, name="NK3-PC-017", department="内科三病区"),
        host="h",
        machine="m",
    )
    journal.append(EntryKind.ENROLLED, encode(enrolled), agent=AGENT)
    return journal


def judge_of(journal, store, checks=None, changes=None) -> Judge:
    return Judge(
        journal=journal,
        store=store,
        changes=changes or RecordedChanges(),
        checks=discover() if checks is None else checks,
    )


def judged(journal, store, checks=None) -> Judge:
    judge = judge_of(journal, store, checks)
    while judge.step():
        pass
    return judge


def sent(journal, *facts, first=1, at_us=START_US) -> None:
    seen = [observation(first + n, fact, at_us=at_us + n) for n, fact in enumerate(facts)]
    journal.put(sealed(AGENT, seen), agent=AGENT, first=first, last=first + len(facts) - 1)


def rows(store, table, *where):
    with store.connect() as connection:
        return connection.execute(select(table).where(*where)).all()


def everything(store) -> dict[str, list[tuple]]:
    return {
        table.name: sorted((tuple(row) for row in rows(store, table)), key=repr)
        for table in DERIVED
    }


def crashing(_fact, _context) -> Iterator[Finding]:
    raise ZeroDivisionError("cannot bear it")
    yield


def test_findings_of_one_subject_make_one_case_and_one_mail(journal, store):
    sent(journal, network(), connection(), connection("203.0.113.10"), connection("203.0.113.11"))

    judged(journal, store)

    [case] = rows(store, schema.cases, schema.cases.c.rule == "EXT-01")
    assert (case._mapping["count"], case.state, case.policy_version, case.severity) == (
        3,
        "awaiting_acknowledgement",
        7,
        "critical",
    )
    assert case.department == "内科三病区"
    assert case.acknowledge_due_us == journal.now_us + 15 * 60 * SECOND_US
    assert len(rows(store, schema.findings, schema.findings.c.case == case.id)) == 3
    [alert] = rows(store, schema.alerts)
    assert (alert.key, alert.recipients, alert.state) == (
        f"{case.id}:first",
        ["duty@hospital.example"],
        "waiting",
    )
    [endpoint] = rows(store, schema.endpoints)
    assert (endpoint.open_cases, endpoint.last_sequence, endpoint.state) == (1, 4, "online")


def test_attempts_are_counted_and_nobody_is_mailed(journal, store):
    many = msgspec.structs.replace(connection(answer="none"), flows=40)
    sent(journal, network(), many, connection(answer="none"))

    judged(journal, store)

    [case] = rows(store, schema.cases)
    assert (case.rule, case._mapping["count"]) == ("EXT-17", 41)
    assert rows(store, schema.alerts) == []


def test_a_finding_after_the_close_opens_a_new_case(journal, store):
    sent(journal, network(), connection())
    judge = judged(journal, store)
    [first] = rows(store, schema.cases)

    close = CaseAct(case=first.id, act="close", actor="li", reason="phone taken away")
    journal.append(EntryKind.ACT, encode(close))
    sent(journal, connection(), first=3)
    while judge.step():
        pass

    cases = rows(store, schema.cases)
    assert {case.state for case in cases} == {"closed", "awaiting_acknowledgement"}
    assert len(rows(store, schema.alerts)) == 2
    assert rows(store, schema.endpoints)[0].open_cases == 1


def test_a_rising_severity_is_told_and_mailed_once(journal, store):
    silent = EndpointSilent(endpoint=AGENT, last_heard_us=1, silent_for_us=700 * SECOND_US)
    seen = msgspec.structs.replace(silent, witnesses=("NK3-PC-018",))
    for fact in (silent, seen, seen):
        journal.append(EntryKind.WORD, encode(Word(at_us=START_US, fact=fact)), agent=AGENT)

    judged(journal, store)

    [case] = rows(store, schema.cases)
    assert (case.rule, case.severity, case._mapping["count"]) == ("EXT-12", "high", 3)
    assert [row.key for row in rows(store, schema.alerts)] == [f"{case.id}:raised:high"]
    assert [row.act for row in rows(store, schema.timeline)] == ["opened", "raised"]
    assert rows(store, schema.endpoints)[0].state == "silent"


def test_a_check_that_crashes_is_a_visible_unknown_and_holds_nobody_up(journal, store):
    broken = Check(
        rule="AUD-01",
        judge=crashing,
        on=(type(connection()),),
        title="t",
        documentation="d",
        remedy="r",
    )
    sent(journal, network(), connection(), connection())

    judged(journal, store, {"AUD-01": broken, "EXT-01": discover()["EXT-01"]})

    [unknown] = rows(store, schema.unknowns)
    assert (unknown.rule, unknown._mapping["count"]) == ("AUD-01", 2)
    assert unknown.why == "AUD-01 crashed: ZeroDivisionError: cannot bear it"
    assert len(rows(store, schema.cases)) == 1


def test_an_entry_that_cannot_be_read_is_a_visible_fault(journal, store):
    journal.put(b"no zstd", agent=AGENT, first=1, last=1)
    journal.append(EntryKind.ACT, b'{"case": 7}')
    sent(journal, network(), connection())

    judged(journal, store)

    whys = [row.why for row in rows(store, schema.unknowns, schema.unknowns.c.rule == "JOURNAL")]
    assert len(whys) == 2
    assert whys[0].startswith("entry 3 (batch) was not judged: not zstd")
    assert whys[1].startswith("entry 4 (act) was not judged: case: Expected `str`, got `int`")
    assert len(rows(store, schema.cases)) == 1


def test_an_entry_that_the_store_cannot_bear_is_alone_in_failing(journal, store):
    @check(rule="EXT-01", on=type(connection()), remedy="r")
    def counting(seen: ConnectionSeen, _context: object) -> Iterator[Finding]:
        yield Finding(subject="s", message="m", count=2**70 if seen.destination_port == 1 else 1)

    sent(journal, network(), connection())
    sent(journal, connection(port=1), first=3)
    sent(journal, connection(), first=4)

    judged(journal, store, {"EXT-01": counting})

    [fault] = rows(store, schema.unknowns, schema.unknowns.c.rule == "JOURNAL")
    assert "entry 4 (batch) was not judged: OverflowError" in fault.why
    assert [row.sequence for row in rows(store, schema.observations)] == [1, 2, 4]


def test_a_store_that_fails_loses_nothing_and_doubles_nothing(journal, store):
    sent(journal, network(), connection(), connection())
    judge = judge_of(journal, store)
    failing = iter([True])

    def fail_once(*_args: object) -> None:
        if next(failing, False):
            raise OperationalError("insert", {}, Exception("disk full"))

    event.listen(store, "commit", fail_once)
    with pytest.raises(OperationalError):
        judge.step()
    assert rows(store, schema.observations) == []
    while judge.step():
        pass

    assert len(rows(store, schema.observations)) == 3
    assert [case._mapping["count"] for case in rows(store, schema.cases)] == [2]


def test_an_unknown_kind_is_held_and_counted(journal, store):
    from backports import zstd  # noqa: PLC0415 - only this test packs by hand

    body = zstd.decompress(sealed(AGENT, [observation(1, network()), observation(2, network())]))
    strange = body.replace(b'"kind":"network"', b'"kind":"telepathy"', 1)
    journal.put(zstd.compress(strange), agent=AGENT, first=1, last=2)

    judged(journal, store)

    [held] = rows(store, schema.held)
    assert (held.kind, held._mapping["count"]) == ("telepathy", 1)
    assert len(rows(store, schema.observations)) == 1
    assert rows(store, schema.coverage_holes, schema.coverage_holes.c.cause == "lost") == []


def test_a_rebuilt_store_is_the_same_and_mails_nothing_again(journal, store):
    sent(
        journal, network(), connection(), connection(answer="none"), AgentStopping(reason="stopped")
    )
    judge = judged(journal, store)
    alert = rows(store, schema.alerts)[0]
    mailed = Mailed(
        key=alert.key, case=alert.case, occasion="first", recipients=("duty@hospital.example",)
    )
    journal.append(EntryKind.MAILED, encode(mailed))
    acknowledged = CaseAct(case=alert.case, act="acknowledge", actor="li")
    journal.append(EntryKind.ACT, encode(acknowledged))
    while judge.step():
        pass
    before = everything(store)

    rebuild(store, journal)
    [kept] = rows(store, schema.alerts)
    assert (kept.key, kept.state) == (alert.key, "sent")
    judged(journal, store)

    after = everything(store)
    alerts_before, alerts_after = before.pop("alerts"), after.pop("alerts")
    assert after == before
    assert [(row[0], row[6]) for row in alerts_after] == [(row[0], row[6]) for row in alerts_before]


def test_a_store_that_was_emptied_is_rebuilt_although_nobody_sends_anything(journal, store):
    sent(journal, network(), connection())
    judge = judged(journal, store)
    before = everything(store)

    rebuild(store, journal)
    while judge.step():
        pass

    assert everything(store) == before


def test_a_judge_that_finds_the_cursor_moved_starts_from_there(journal, store):
    sent(journal, network(), connection())
    late, early = judge_of(journal, store), judge_of(journal, store)
    late._next_entries()

    while early.step():
        pass
    late._forget()
    sent(journal, connection(), first=3)
    while late.step():
        pass

    assert [case._mapping["count"] for case in rows(store, schema.cases)] == [2]


def test_the_holes_of_a_sequence_and_of_a_stop_are_coverage(journal, store):
    minute = 60 * SECOND_US
    sent(
        journal, AgentStarted(version="1", host="h", system="s", machine="m", previous_end="first")
    )
    sent(journal, health(SensorHealth(name="net", state="ok")), first=2, at_us=START_US + minute)
    sent(journal, AgentStopping(reason="shutdown"), first=5, at_us=START_US + 2 * minute)
    sent(
        journal, health(SensorHealth(name="net", state="ok")), first=6, at_us=START_US + 4 * minute
    )
    gap = SensorGap(
        sensor="net", cause="overrun", from_us=START_US + 5 * minute, to_us=START_US + 6 * minute
    )
    sent(journal, gap, first=7, at_us=START_US + 6 * minute)

    judged(journal, store)

    seen = coverage(store, AGENT, START_US + 2, START_US + 10 * minute)
    assert [(hole.cause, hole.lost) for hole in seen.holes] == [
        ("lost", 2),
        ("off", 0),
        ("overrun", 0),
    ]
    assert seen.share == pytest.approx(0.6, rel=1e-6)
    assert watched(store, START_US + 2, START_US + 10 * minute).share == seen.share


def test_a_failed_sensor_is_a_hole_until_it_works_again(journal, store):
    minute = 60 * SECOND_US
    failed = SensorHealth(name="net", state="failed", reason="ENODEV", since_us=START_US)
    sent(journal, health(failed, SensorHealth(name="usb", state="ok")))
    sent(journal, health(failed), first=2, at_us=START_US + minute)
    sent(
        journal, health(SensorHealth(name="net", state="ok")), first=3, at_us=START_US + 2 * minute
    )

    judged(journal, store)

    [hole] = rows(store, schema.coverage_holes, schema.coverage_holes.c.sensor == "net")
    assert (hole.cause, hole.from_us, hole.to_us, hole.detail) == (
        "failed",
        START_US,
        START_US + 2 * minute,
        "ENODEV",
    )


class JudgingChanges(RecordedChanges):
    """Runs the judge when somebody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.judge: Judge | None = None

    def wait_for_entry(self, entry: int, timeout: float) -> bool:
        assert self.judge is not None
        while self.judge.step():
            pass
        return super().wait_for_entry(entry, 0)


@pytest.fixture
def acts(journal, store) -> CaseActs:
    sent(journal, network(), connection())
    changes = JudgingChanges()
    changes.judge = judge_of(journal, store, changes=changes)
    while changes.judge.step():
        pass
    return CaseActs(journal=journal, store=store, changes=changes, clock=lambda: START_US)


def test_a_case_walks_through_all_its_states(acts, store):
    [case] = rows(store, schema.cases)

    reached = []
    for act in ("acknowledge", "verify", "handle", "rectify", "recheck"):
        acts.on_case(case.id, act, actor="li")
        reached.append(rows(store, schema.cases)[0].state)

    assert reached == [
        "awaiting_verification",
        "handling",
        "awaiting_rectification",
        "awaiting_recheck",
        "closed",
    ]
    assert rows(store, schema.cases)[0].acknowledged_by == "li"
    assert rows(store, schema.endpoints)[0].open_cases == 0


@pytest.mark.parametrize(
    ("act", "reason", "message"),
    [
        ("close", "  ", REASON_MISSING),
        ("verify", "", OUT_OF_ORDER),
        ("fly", "", "There is no such step: {act}"),
    ],
)
def test_an_act_that_does_not_fit_is_refused_before_it_is_journalled(
    acts, store, act, reason, message
):
    [case] = rows(store, schema.cases)
    entries = len(acts._journal.entries)

    with pytest.raises(ActRefused) as refused:
        acts.on_case(case.id, act, actor="li", reason=reason)

    assert refused.value.message == message
    assert len(acts._journal.entries) == entries


def test_a_case_that_does_not_exist_is_named(acts):
    with pytest.raises(ActRefused) as refused:
        acts.on_case("EXT-01-NOSUCH", "acknowledge", actor="li")

    assert (refused.value.message, refused.value.params) == (
        NO_SUCH_CASE,
        {"case": "EXT-01-NOSUCH"},
    )


def test_of_two_people_at_once_the_second_hears_that_it_was_done(acts, journal, store):
    [case] = rows(store, schema.cases)
    other = CaseAct(case=case.id, act="close", actor="wang", reason="test of the cable")
    journal.append(EntryKind.ACT, encode(other))

    with pytest.raises(ActRefused) as refused:
        acts.on_case(case.id, "close", actor="li", reason="phone taken away")

    assert refused.value.message == ALREADY_CLOSED
    told = [(row.actor, row.act) for row in rows(store, schema.timeline)]
    assert told == [("", "opened"), ("wang", "close"), ("li", "refused")]
    assert rows(store, schema.cases)[0].state == "closed"


def test_what_was_committed_is_published(journal, store):
    changes = RecordedChanges()
    sent(journal, network(), connection())

    judge = judge_of(journal, store, changes=changes)
    judge.step()

    [case] = rows(store, schema.cases)
    assert changes.published[-1].cases == (case.id,)
    assert changes.published[-1].endpoints == (AGENT,)
    assert changes.published[-1].entry == len(journal.entries)


def test_hostile_text_is_stored_without_what_a_database_cannot_hold(journal, store):
    @check(rule="MED-01", on=type(connection()), remedy="r")
    def hostile(_seen: Fact, _context: object) -> Iterator[Finding]:
        yield Finding(subject="a\0b", message="m {x}", params={"x": "\0<script>"})

    sent(journal, connection())
    judged(journal, store, {"MED-01": hostile})

    [case] = rows(store, schema.cases)
    assert (case.subject, case.params) == ("a\ufffdb", {"x": "\ufffd<script>"})
    with store.connect() as connection_:
        assert connection_.execute(select(func.count()).select_from(schema.findings)).scalar() == 1
