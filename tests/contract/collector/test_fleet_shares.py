"""The fleet in numbers is what `collector.coverage` says of each endpoint, whatever the holes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from checks.wire import encode
from collector.coverage import fleet_coverage
from collector.fleet_shares import mean_shares, watched
from collector.judging.records import WHOLE_ENDPOINT
from collector.store import schema
from collector.store.engine import open_store
from tests.support.hospital import health

DAY = 1_000
FROM, TO = 2 * DAY, 5 * DAY
AGENTS = ("a", "b", "c")
moments = st.integers(0, 7 * DAY)
HOLES = st.lists(
    st.tuples(
        st.sampled_from(AGENTS),
        st.sampled_from([WHOLE_ENDPOINT] * 3 + ["network", "media"]),
        moments,
        st.one_of(st.just(0), moments),
        st.sampled_from(["off", "asleep", "killed", "lost", "spool_full"]),
    ),
    max_size=30,
    unique_by=lambda hole: hole[:3],
)
LINES = st.tuples(*[st.tuples(moments, st.sampled_from(["online", "silent"]), moments)] * 3)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    engine = open_store(tmp_path_factory.mktemp("store"))
    schema.store.create_all(engine)
    yield engine
    engine.dispose()


@settings(max_examples=100, deadline=None)
@given(holes=HOLES, lines=LINES)
def test_the_shares_are_those_of_each_endpoint_told_alone(store, holes, lines):
    fill(store, holes, lines)

    fleet = watched(store, FROM, TO)
    each = fleet_coverage(store, FROM, TO)

    here = {agent for agent, (enrolled, _, _) in zip(AGENTS, lines, strict=True) if enrolled < TO}
    assert fleet.shares == {agent: pytest.approx(each[agent].share) for agent in here}
    assert {one.cause: (one.endpoints, one.length_us) for one in fleet.blind} == blamed(each, here)


def test_nobody_is_not_watched(store):
    fill(store, [], ((TO, "online", 0),) * 3)

    assert (watched(store, FROM, TO).shares, watched(store, FROM, TO).share) == ({}, 0.0)


def blamed(each, here):
    """By hand, of the holes that `fleet_coverage` shows."""
    found: dict[str, tuple[set[str], int]] = {}
    for agent in here:
        for hole in each[agent].holes:
            if hole.sensor == WHOLE_ENDPOINT:
                whose, length = found.get(hole.cause, (set(), 0))
                span = min(hole.to_us or TO, TO) - max(hole.from_us, FROM)
                found[hole.cause] = ({*whose, agent}, length + span)
    return {cause: (len(whose), length) for cause, (whose, length) in found.items()}


def fill(store, holes, lines):
    with store.begin() as connection:
        for table in (schema.coverage_holes, schema.endpoints, schema.latest):
            connection.execute(delete(table))
        for agent, (enrolled, state, last) in zip(AGENTS, lines, strict=True):
            line = {"agent": agent, "name": agent, "groups": [], "enrolled_us": enrolled,
                    "state": state, "last_at_us": last}  # fmt: skip
            connection.execute(insert(schema.endpoints).values(line))
            told = {"agent": agent, "kind": "agent_health", "at_us": 0,
                    "fact": encode(health()).decode("utf-8")}  # fmt: skip
            connection.execute(insert(schema.latest).values(told))
        for agent, sensor, begun, ended, cause in holes:
            ends = 0 if ended == 0 else max(ended, begun + 1)
            row = {
                "agent": agent,
                "sensor": sensor,
                "from_us": begun,
                "to_us": ends,
                "cause": cause,
            }
            connection.execute(insert(schema.coverage_holes).values(row))


DAYS = [(FROM, FROM + DAY), (FROM + DAY, FROM + 2 * DAY), (FROM + 2 * DAY, TO)]


@settings(max_examples=100, deadline=None)
@given(holes=HOLES, lines=LINES)
def test_days_in_a_row_are_those_told_alone(store, holes, lines):
    fill(store, holes, lines)

    told = mean_shares(store, DAYS)

    alone = [watched(store, *day) for day in DAYS]
    assert told == [pytest.approx(each.share) if each.shares else None for each in alone]
