"""The coverage of many days at once is that of each day asked alone."""

import random

import pytest
from sqlalchemy import event, insert

from collector.coverage import fleet_coverage
from collector.dashboard.month import OVER_KEPT_US, TODAY_KEPT_US, CoverageOfDays, days_until
from collector.fleet_shares import mean, mean_shares
from collector.store import schema
from collector.store.engine import open_store
from tests.support.hospital import Hospital, health, now_us

ZONE = "Asia/Shanghai"
DAY_US = 24 * 3600 * 1_000_000
NOW_US = 1_795_492_800_000_000


@pytest.fixture
def store(tmp_path):
    engine = open_store(tmp_path)
    schema.store.create_all(engine)
    yield engine
    engine.dispose()


def endpoint(store, agent: str, *, enrolled_us: int, state: str = "online", last_us: int = 0):
    row = {"agent": agent, "name": agent, "groups": [], "enrolled_us": enrolled_us}
    with store.begin() as connection:
        connection.execute(insert(schema.endpoints).values(**row, state=state, last_at_us=last_us))


def hole(store, agent: str, from_us: int, to_us: int, *, sensor="*", cause="off"):
    row = {"agent": agent, "sensor": sensor, "from_us": from_us, "to_us": to_us, "cause": cause}
    with store.begin() as connection:
        connection.execute(insert(schema.coverage_holes).values(row))


def spans(number: int) -> list[tuple[int, int]]:
    first = NOW_US - number * DAY_US
    return [(first + n * DAY_US, first + (n + 1) * DAY_US) for n in range(number)]


@pytest.mark.parametrize("seed", range(8))
def test_many_days_at_once_are_each_day_alone(store, seed):
    chance = random.Random(seed)
    for number in range(5):
        enrolled_us = NOW_US - chance.randint(0, 12) * DAY_US // 2
        silent = chance.random() < 0.3
        last_us = max(enrolled_us, NOW_US - chance.randint(0, 3) * DAY_US)
        state = "silent" if silent else "online"
        endpoint(store, f"a-{number}", enrolled_us=enrolled_us, state=state, last_us=last_us)
        for at in range(chance.randint(0, 12)):
            from_us = NOW_US - chance.randint(1, 9 * 24) * DAY_US // 24 - at
            to_us = chance.choice((0, from_us + chance.randint(1, 60) * DAY_US // 24))
            sensor = chance.choice(("*", "*", "media", "network"))
            cause = chance.choice(("off", "lost", "spool_full", "overrun"))
            hole(store, f"a-{number}", from_us, to_us, sensor=sensor, cause=cause)
    days = spans(8)

    together = mean_shares(store, days)

    for (from_us, to_us), share in zip(days, together, strict=True):
        fleet = fleet_coverage(store, from_us, to_us)
        alone = {
            agent: each.share for agent, each in fleet.items() if enrolled(store, agent) < to_us
        }
        assert share == (pytest.approx(mean(alone)) if alone else None)


def enrolled(store, agent: str) -> int:
    lines = schema.endpoints.c
    with store.connect() as connection:
        asked = schema.endpoints.select().where(lines.agent == agent)
        return int(connection.execute(asked).one().enrolled_us)


def test_a_sensor_that_alone_was_blind_takes_its_part(tmp_path):
    hospital = Hospital(tmp_path)
    hospital.tell("a-1", health(), ago_us=0)
    store = hospital.services.store_engine
    until_us = now_us() + DAY_US
    hole(store, "a-1", until_us - DAY_US, until_us, sensor="media")

    (share,) = mean_shares(store, [(until_us - DAY_US, until_us)])
    hospital.close()

    assert share == pytest.approx(0.75)


class Counted:
    """How often the endpoints were read."""

    def __init__(self, engine) -> None:
        self.number = 0
        event.listen(engine, "before_cursor_execute", self._note)

    def _note(self, _connection, _cursor, statement, *_more) -> None:
        self.number += "endpoints.enrolled_us" in statement


def test_the_days_are_remembered_and_only_what_is_missing_is_worked_out(store):
    endpoint(store, "a-1", enrolled_us=NOW_US - 40 * DAY_US)
    remembered, counted = CoverageOfDays(), Counted(store)

    def asked(at_us: int) -> list[float | None]:
        return remembered.shares(store, days_until(at_us, ZONE), ZONE, at_us)

    assert asked(NOW_US) == [1.0] * 30
    assert counted.number == 2
    asked(NOW_US + TODAY_KEPT_US - 1)
    assert counted.number == 2
    hole(store, "a-1", NOW_US - 2 * DAY_US, 0)
    late = asked(NOW_US + TODAY_KEPT_US)
    assert counted.number == 3
    assert (late[-2], late[-1]) == (1.0, 0.0)

    again = asked(NOW_US + OVER_KEPT_US)

    assert counted.number == 5
    assert again[-2:] == [0.0, 0.0]
    assert 0 < (again[-3] or 0) < 1


def test_a_new_day_brings_the_one_that_is_over_by_now(store):
    endpoint(store, "a-1", enrolled_us=NOW_US - 40 * DAY_US)
    remembered = CoverageOfDays()
    remembered.shares(store, days_until(NOW_US, ZONE), ZONE, NOW_US)
    hole(store, "a-1", NOW_US, NOW_US + 3600 * 1_000_000)
    tomorrow_us = NOW_US + DAY_US

    shares = remembered.shares(store, days_until(tomorrow_us, ZONE), ZONE, tomorrow_us)

    assert len(shares) == 30
    assert shares[-2] == pytest.approx(23 / 24)
    assert shares[-1] == 1.0


def test_the_first_endpoint_of_a_new_hospital_is_seen_at_once(store):
    remembered, days = CoverageOfDays(), days_until(NOW_US, ZONE)
    assert remembered.shares(store, days, ZONE, NOW_US) == [None] * 30

    endpoint(store, "a-1", enrolled_us=NOW_US)

    assert remembered.shares(store, days, ZONE, NOW_US + 1) == [*[None] * 29, 1.0]
