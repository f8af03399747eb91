"""Counts that the judge keeps, held against a recount of the cases after a random history."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from checks.check import discover
from checks.facts import Fact
from checks.policy import Endpoint
from checks.wire import encode
from collector.cases import Act
from collector.clocks import local_time
from collector.entries import CaseAct, Enrolled, EntryKind, PolicyApplied
from collector.judge import Judge, rebuild
from collector.judging.days import recount
from collector.store import schema
from collector.store.engine import open_store
from tests.fakes.batches import POLICY, START_US, observation, sealed
from tests.fakes.journal import MemoryJournal, RecordedChanges
from tests.support.hospital import USB, leak, mounted, network, outside

HOUR_US = 3_600_000_000
ZONES = ("Asia/Shanghai", "Asia/Kathmandu", "America/New_York")
AGENTS = {"a-1": "检验科", "a-2": "", "a-3": "<b>收费处</b>\u202e"}
FACTS = (outside(), leak("two_way"), leak("none"), mounted(USB))
EXITS = (Act.CLOSE, Act.FALSE_ALARM, Act.ACKNOWLEDGE, Act.COMMENT)

told = st.tuples(st.just("fact"), st.sampled_from(sorted(AGENTS)), st.sampled_from(FACTS))
done = st.tuples(st.just("act"), st.integers(0, 50), st.sampled_from(EXITS))
moved = st.tuples(st.just("zone"), st.sampled_from(ZONES), st.none())
history = st.lists(
    st.tuples(st.integers(0, 30), st.one_of(told, told, done, moved)), min_size=5, max_size=40
)


class World:
    """One journal and its judge; time goes on as the test says."""

    def __init__(self, folder: Path) -> None:
        self.store = open_store(folder)
        schema.store.create_all(self.store)
        self.journal = MemoryJournal()
        self.sequences: Counter[str] = Counter()
        self.zone = ""
        self.apply(ZONES[0])
        for agent, department in AGENTS.items():
            line = Endpoint(id=agent, name=agent, department=department)
            body = encode(Enrolled(endpoint=line, host="h", machine="m"))
            self.journal.append(EntryKind.ENROLLED, body, agent=agent)
            self.tell(agent, network())
        self.judge = self.judged()

    def tell(self, agent: str, fact: Fact) -> None:
        self.sequences[agent] += 1
        number = self.sequences[agent]
        body = sealed(agent, [observation(number, fact, at_us=START_US + number)])
        self.journal.put(body, agent=agent, first=number, last=number)

    def judged(self) -> Judge:
        return Judge(
            journal=self.journal,
            store=self.store,
            changes=RecordedChanges(),
            checks=discover(),
        )

    def apply(self, zone: str) -> None:
        self.zone = zone
        own = f'[cases]\nsecond_person = false\n[hospital]\ntimezone = "{zone}"\n'
        text = POLICY.replace("[hospital]\n", own, 1)
        body = encode(PolicyApplied(version=7, actor="wu", text=text))
        self.journal.append(EntryKind.POLICY, body)

    def happen(self, what: str, where: Any, how: Any) -> None:
        if what == "zone":
            self.apply(where)
        elif what == "fact":
            self.tell(where, how)
        else:
            ids = self.case_ids()
            if ids:
                case = ids[where % len(ids)]
                body = encode(CaseAct(case=case, act=str(how), actor="wu", reason="r"))
                self.journal.append(EntryKind.ACT, body)

    def case_ids(self) -> list[str]:
        with self.store.connect() as connection:
            return sorted(connection.execute(select(schema.cases.c.id)).scalars())

    def catch_up(self, judge: Judge) -> None:
        while judge.step():
            pass


def kept(store: Engine) -> dict[tuple[str, ...], tuple[int, int]]:
    """Without lines whose counts went back to nothing."""
    with store.connect() as connection:
        rows = connection.execute(select(schema.daily_counts)).all()
    return {tuple(row[:4]): (row.opened, row.closed) for row in rows if row.opened or row.closed}


def counted_anew(store: Engine, zone: str) -> dict[tuple[str, ...], tuple[int, int]]:
    """By the cases alone, in another way than the judge's."""
    opened: Counter[tuple[str, ...]] = Counter()
    closed: Counter[tuple[str, ...]] = Counter()
    with store.connect() as connection:
        for row in connection.execute(select(schema.cases)):
            of = (row.rule, row.severity, row.department)
            opened[f"{local_time(row.opened_us, zone).date()}", *of] += 1
            if row.closed_us:
                closed[f"{local_time(row.closed_us, zone).date()}", *of] += 1
    return {key: (opened[key], closed[key]) for key in opened | closed}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history)
def test_the_kept_counts_are_those_of_the_cases_after_any_history(steps):
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.catch_up(world.judge)
        for hours, step in steps:
            world.journal.now_us += hours * HOUR_US
            world.happen(*step)
            world.catch_up(world.judge)

        while_judging = kept(world.store)

        assert while_judging == counted_anew(world.store, world.zone)
        rebuild(world.store, world.journal)
        world.catch_up(world.judged())
        assert kept(world.store) == while_judging
        with world.store.begin() as connection:
            recount(connection, world.zone)
        assert kept(world.store) == while_judging
        world.store.dispose()


def test_a_store_of_before_is_counted_at_the_first_step(tmp_path):
    world = World(tmp_path)
    world.happen("fact", "a-1", outside())
    world.catch_up(world.judge)
    before = kept(world.store)
    with world.store.begin() as connection:
        connection.exec_driver_sql("DELETE FROM daily_counts")
        connection.exec_driver_sql("DELETE FROM days_counted_in")

    world.happen("fact", "a-2", leak("two_way"))
    world.catch_up(world.judged())

    assert before
    assert kept(world.store) == counted_anew(world.store, world.zone)
    assert before.items() <= kept(world.store).items()
    world.store.dispose()
