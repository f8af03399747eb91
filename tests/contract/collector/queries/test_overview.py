"""The figures of the first page, and what could not be seen."""

from sqlalchemy import insert

from checks.finding import Severity
from collector.queries import overview
from collector.queries.cases import CaseFilter, count_cases
from collector.queries.overview import Outbox
from collector.store import schema
from tests.support.hospital import WARDS


def test_open_cases_are_counted_by_severity(read):
    counted = overview.open_cases(read, now_us=0)

    assert counted.total == count_cases(read, CaseFilter(only_open=True)) > 5
    assert set(counted.by_severity) == set(Severity)
    assert counted.by_severity[Severity.CRITICAL] > 0
    assert counted.overdue == 0
    assert overview.open_cases(read, now_us=2**60).overdue > 0


def test_every_endpoint_has_one_state(read):
    states = overview.endpoint_states(read)

    assert set(states) == {"online", "off", "silent", "revoked"}
    assert sum(states.values()) == len(WARDS)


def test_a_blind_sensor_is_told_with_its_reason(read):
    (blind,) = overview.blind_sensors(read)

    assert (blind.agent, blind.sensor.name, blind.sensor.state) == ("icu-001", "connections", "off")


def test_a_refusal_is_told(hospital):
    (told,) = overview.refusals(hospital.services.journal_engine)

    assert (told.problem, told.remote) == ("bad-signature", "10.20.9.9")


def test_unknown_verdicts_are_told_as_often_as_they_are_counted(read):
    assert len(overview.unknowns(read)) == overview.count_unknowns(read)


def test_an_endpoint_is_called_by_its_name(read):
    assert overview.endpoint_names(read)["nk3-017"] == "NK3-PC-017"


def test_what_cannot_be_read_here_is_told_by_kind(store):
    row = {"agent": "pc1", "kind": "of_a_later_version", "count": 3, "last_at_us": 9}
    with store.begin() as connection:
        connection.execute(insert(schema.held).values(row))

    (kind,) = overview.held_kinds(store)

    assert (kind.kind, kind.count) == ("of_a_later_version", 3)


def test_holes_of_a_whole_endpoint_are_told_while_they_last_or_when_they_ended_since(store):
    holes = [("a", "*", 10, 0), ("b", "*", 10, 20), ("c", "*", 10, 60), ("d", "media", 10, 0)]
    with store.begin() as connection:
        for agent, sensor, from_us, to_us in holes:
            connection.execute(
                insert(schema.coverage_holes).values(
                    agent=agent, sensor=sensor, from_us=from_us, to_us=to_us, cause="silent"
                )
            )

    told = overview.whole_holes(store, from_us=50)

    assert sorted(hole.agent for hole in told) == ["a", "c"]


def alert(store, key: str, state: str, created_us: int, **more) -> None:
    row = {
        "key": key,
        "case": "c",
        "occasion": "first",
        "created_us": created_us,
        "recipients": ["duty@hospital.example"],
        "state": state,
        "next_try_us": 0,
        **more,
    }
    with store.begin() as connection:
        connection.execute(insert(schema.alerts).values(row))


def test_an_empty_outbox_is_all_zero(store):
    assert overview.outbox(store) == Outbox()


def test_the_outbox_tells_what_waits_since_when_and_the_newest_error(store):
    alert(store, "1", "sent", 10, sent_us=15)
    alert(store, "2", "claimed", 20, error="450 busy")
    alert(store, "3", "waiting", 30, error="450 later")
    alert(store, "4", "refused", 5, error="550 no")

    assert overview.outbox(store) == Outbox(
        waiting=2,
        refused=1,
        oldest_waiting_us=20,
        last_sent_us=15,
        last_error="450 later",
    )
