"""The media register over a real store: acts, what endpoints tell, the watch, the judge."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from checks.facts.health import AgentStarted
from checks.facts.media import (
    MediumAttached,
    MediumDetached,
    MediumMounted,
    MediumUnmounted,
    Partition,
)
from checks.facts.media_register import RegisteredMedium
from checks.policy import Endpoint, Policy, parse_policy
from checks.wire import encode
from collector.entries import EntryKind, MediaChanged, PolicyApplied, Registered
from collector.judge import DERIVED
from collector.media.watch import MediaWatch
from collector.queries.register import StoredMedia
from collector.store import schema
from collector.store.engine import open_store
from tests.contract.test_silence_watch import SECOND, Ward
from tests.fakes.batches import POLICY, health
from tests.samples import STICK

TEXT = f"""{POLICY}
[[zones]]
name = "office"
prefixes = ["10.99.0.0/16"]
side = "external"
"""
TODAY = date(2026, 3, 2)
LINE = RegisteredMedium(number="R-1", serial=STICK.serial, owner="ward 3")
ATTACHED, DETACHED = MediumAttached(medium=STICK), MediumDetached(medium=STICK)
MOUNTED = MediumMounted(
    medium=STICK, partition=Partition(device="/dev/sdb1", size=1), mount_point="/media/a/K"
)
OTHER_BODY = msgspec.structs.replace(STICK, key="k2", capacity=8_000_000_000)
STARTED = AgentStarted(version="1", host="h", system="s", machine="m", previous_end="reboot")


class Hospital(Ward):
    """Its policy has a zone outside; a-1 is in the intranet, a-2 in the office."""

    def __init__(self, store) -> None:
        super().__init__(store)
        applied = PolicyApplied(version=2, actor="wu", text=TEXT)
        self.journal.append(EntryKind.POLICY, encode(applied))
        for agent, zone, place in (("a-1", "intranet", "1-03"), ("a-2", "office", "9-01")):
            line = Endpoint(id=agent, name=agent.upper(), zone=zone, place=place)
            body = encode(Registered(endpoint=line, actor="wu"))
            self.journal.append(EntryKind.REGISTER, body, agent=agent)
        self.watched = MediaWatch(
            journal=self.journal, store=store, policies=self, clock=lambda: self.now_us
        )

    def current(self) -> Policy:
        return parse_policy(TEXT, version=2)

    def acts(self, act, *lines, reason="", removed=()) -> None:
        done = MediaChanged(act=act, actor="wu", reason=reason, lines=lines, removed=removed)
        self.journal.now_us = self.now_us
        self.journal.append(EntryKind.MEDIA, encode(done))
        self.judge_all()

    def later(self, seconds: float) -> None:
        self.now_us += int(seconds * SECOND)
        self.journal.now_us = self.now_us

    def looks(self) -> int:
        said = self.watched.step()
        self.judge_all()
        return said

    def rules(self) -> list[str]:
        return sorted(case.rule for case in self.cases() if case.rule.startswith("MED"))

    def rows(self, table):
        with self.store.connect() as reading:
            return reading.execute(select(table)).all()


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Hospital]:
    store = open_store(tmp_path)
    schema.store.create_all(store)
    yield Hospital(store)
    store.dispose()


def test_a_registered_medium_may_be_used_and_a_removed_one_may_not(ward):
    ward.acts("register", LINE)
    ward.says("a-1", ATTACHED, MOUNTED)
    assert ward.rules() == []

    ward.acts("remove", removed=("R-1",))
    ward.says("a-1", MOUNTED)

    assert ward.rules() == ["MED-01"]


def test_a_line_is_found_by_its_key_before_it_is_found_by_its_serial_number(ward):
    ward.acts("register", LINE, msgspec.structs.replace(LINE, number="R-2", key=STICK.key))
    known = StoredMedia(ward.store)

    assert known.line_for(STICK).number == "R-2"
    assert known.line_for(OTHER_BODY).number == "R-1"
    assert known.line_for(msgspec.structs.replace(STICK, key="x", serial="")) is None


def test_a_narrower_line_is_not_for_another_body_of_its_serial_number(ward):
    ward.acts("register", msgspec.structs.replace(LINE, capacity=STICK.capacity))

    assert StoredMedia(ward.store).line_for(OTHER_BODY) is None


def test_each_insertion_is_one_use_however_many_parts_are_mounted(ward):
    ward.acts("register", msgspec.structs.replace(LINE, uses=2))
    for _ in range(2):
        ward.says("a-1", ATTACHED, MOUNTED, MOUNTED, DETACHED)
    assert ward.rules() == []

    ward.says("a-1", ATTACHED, MOUNTED)

    assert ward.rules() == ["MED-02"]
    assert StoredMedia(ward.store).uses("R-1") == 3


def test_a_lost_medium_is_a_case_where_it_turns_up(ward):
    ward.acts("lost", msgspec.structs.replace(LINE, lost=True), reason="bag was stolen")

    ward.says("a-2", ATTACHED)

    assert ward.rules() == ["MED-02"]
    [told] = ward.rows(schema.media_acts)
    assert (told.act, told.reason, told.number) == ("lost", "bag was stolen", "R-1")


def test_the_story_of_a_line_says_what_it_said_before(ward):
    ward.acts("register", LINE)
    ward.acts("change", msgspec.structs.replace(LINE, owner="ward 4", inventory=TODAY))

    assert [row.changed for row in ward.rows(schema.media_acts)] == [
        {},
        {"owner": "ward 3", "inventory": ""},
    ]


def test_a_medium_from_outside_is_a_crossing_once_and_a_ferry_is_none(ward):
    ward.acts("register", LINE)
    ward.says("a-2", ATTACHED, MOUNTED, DETACHED)
    ward.later(60)
    ward.says("a-1", ATTACHED, MOUNTED, DETACHED)
    assert ward.rules() == ["MED-11"]

    ward.later(60)
    ward.says("a-1", ATTACHED, MOUNTED)
    [case] = ward.cases()
    assert case._mapping["count"] == 1


def test_a_ferry_may_cross(ward):
    ward.acts("register", msgspec.structs.replace(LINE, kind="ferry"))
    ward.says("a-2", ATTACHED, MOUNTED, DETACHED)
    ward.later(60)
    ward.says("a-1", ATTACHED, MOUNTED)

    assert ward.rules() == []


def test_the_same_serial_number_in_another_body_is_a_clone(ward):
    ward.acts("register", LINE)
    ward.says("a-1", ATTACHED, MOUNTED, MediumUnmounted(medium=STICK, mount_point="/m"), DETACHED)
    ward.later(3600)
    assert ward.rules() == []

    ward.says("a-1", MediumAttached(medium=OTHER_BODY))

    [case] = ward.cases()
    assert (case.rule, case.subject) == ("MED-12", "k2")
    assert case.params["capacity"] == str(STICK.capacity)


def test_a_medium_that_nobody_could_have_carried_that_fast_is_another_one(ward):
    ward.acts("register", msgspec.structs.replace(LINE, kind="ferry"))
    ward.says("a-2", ATTACHED, DETACHED)
    ward.later(5)

    ward.says("a-1", ATTACHED)

    [case] = ward.cases()
    assert (case.rule, case.params["other"], case.params["seconds"]) == ("MED-12", "A-2", "5")


def test_a_medium_at_two_endpoints_at_once_is_told_once_when_both_were_heard_of(ward):
    ward.acts("register", msgspec.structs.replace(LINE, kind="ferry"))
    ward.says("a-2", ATTACHED)
    ward.later(3600)
    ward.says("a-1", ATTACHED)
    ward.later(60)
    assert ward.looks() == 0  # a-2 was not heard of since: it may have been pulled out

    ward.says("a-2", health())
    assert (ward.looks(), ward.looks()) == (1, 0)

    [case] = ward.cases()
    assert (case.rule, case.agent, case.params["other"]) == ("MED-12", "a-1", "A-2")


@pytest.mark.parametrize("gone", [DETACHED, STARTED])
def test_a_medium_that_was_pulled_out_before_is_at_one_place(ward, gone):
    ward.acts("register", msgspec.structs.replace(LINE, kind="ferry"))
    ward.says("a-2", ATTACHED)
    ward.later(3600)
    ward.says("a-1", ATTACHED)
    ward.later(60)

    ward.says("a-2", gone, health())

    assert (ward.looks(), ward.rules()) == (0, [])


def inventory(ward, day: date) -> None:
    ward.acts("register", msgspec.structs.replace(LINE, inventory=day))


def test_a_medium_that_nobody_saw_by_its_inventory_is_told_once(ward):
    ward.says("a-1", health())
    inventory(ward, date(2026, 3, 3))
    assert ward.looks() == 0

    ward.later(2 * 86400)
    ward.says("a-1", health())
    assert (ward.looks(), ward.looks()) == (1, 0)

    [case] = ward.cases()
    assert (case.rule, case.subject, case.severity) == ("MED-14", "R-1", "low")


@pytest.mark.parametrize("how", ["seen", "counted", "returned", "lost"])
def test_a_medium_that_was_seen_or_accounted_for_is_not_overdue(ward, how):
    inventory(ward, date(2026, 3, 3))
    ward.later(3600)
    line = msgspec.structs.replace(LINE, inventory=date(2026, 3, 3), lost=how == "lost")
    if how == "seen":
        ward.says("a-1", ATTACHED, DETACHED)
    else:
        ward.acts(how, line)

    ward.later(2 * 86400)
    ward.says("a-1", health())

    assert ward.looks() == 0


def test_a_line_that_is_changed_goes_on_with_the_inventory_it_had(ward):
    inventory(ward, date(2026, 3, 3))
    ward.later(60)
    ward.says("a-1", ATTACHED, DETACHED)
    ward.later(60)
    changed = msgspec.structs.replace(LINE, inventory=date(2026, 3, 3), note="blue")
    ward.acts("change", changed)

    ward.later(2 * 86400)
    ward.says("a-1", health())

    assert ward.looks() == 0


def test_what_a_replay_of_the_journal_makes_is_the_same(ward):
    ward.acts("register", msgspec.structs.replace(LINE, uses=1, inventory=date(2026, 3, 3)))
    ward.says("a-2", ATTACHED, MOUNTED, DETACHED)
    ward.later(60)
    ward.says("a-1", ATTACHED, MOUNTED)
    ward.acts("change", msgspec.structs.replace(LINE, owner="ward 4"))
    before = {table.name: sorted(map(repr, ward.rows(table))) for table in DERIVED}

    ward.judge.rebuild()
    ward.judge_all()

    assert before["media_places"]
    assert {table.name: sorted(map(repr, ward.rows(table))) for table in DERIVED} == before
