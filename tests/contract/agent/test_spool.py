"""The spool on a real file: nothing accepted is lost, nothing dropped is untold."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.records import Importance
from agent.spool import RESERVE, LeaseOut, Spool, SpoolFull
from agent.spool_file import SpoolTaken, Watermark, read_watermark
from checks.facts.health import SensorGap
from checks.wire import BATCH_DOMAIN, digest
from tests.support.spools import KEY, NOW, fact, facts_of, keys_of, open_spool, read, record


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = open_spool(tmp_path)
    yield opened
    opened.close()


def reopened(spool: Spool, folder: Path) -> Spool:
    spool.close()
    return open_spool(folder)


def test_sequences_count_from_one_without_a_hole(spool):
    first = spool.put([record("a"), record("b")])
    second = spool.put([record("c")])

    assert (list(first), list(second)) == ([1, 2], [3])


def test_a_batch_holds_what_was_put_in_order_and_signed(spool):
    spool.put([record("a"), record("b")])

    sealed = spool.lease(10, 10_000)

    batch = read(sealed)
    assert (batch.agent, batch.machine, batch.first, batch.last) == ("agent-1", "machine-1", 1, 2)
    assert [o.fact for o in batch.observations] == [fact("a"), fact("b")]
    assert {o.boot for o in batch.observations} == {"boot-1"}
    KEY.verify_key.verify(BATCH_DOMAIN + sealed.body, sealed.signature)


def test_an_empty_spool_leases_nothing(spool):
    assert spool.lease(10, 10_000) is None


def test_a_batch_keeps_to_the_number_of_observations(spool):
    spool.put([record(key) for key in "abcde"])

    assert keys_of(spool.lease(2, 10_000)) == ["a", "b"]


def test_a_batch_keeps_to_the_bytes_but_holds_at_least_one(spool):
    spool.put([record(key) for key in "abcde"])

    assert keys_of(spool.lease(10, 1)) == ["a"]


def test_a_committed_batch_is_gone_and_the_next_follows_it(spool):
    spool.put([record("a"), record("b")])
    first = spool.lease(1, 10_000)
    spool.commit()

    second = spool.lease(1, 10_000)

    assert keys_of(second) == ["b"]
    assert read(first).previous == ""
    assert read(second).previous == digest(first.body)


def test_a_batch_given_back_comes_again_with_the_same_bytes(spool):
    spool.put([record("a")])
    first = spool.lease(10, 10_000)
    spool.give_back()
    spool.put([record("b")])

    assert spool.lease(10, 10_000) == first


def test_a_leased_batch_comes_again_with_the_same_bytes_after_a_restart(spool, tmp_path):
    spool.put([record("a")])
    before = spool.lease(10, 10_000)

    after = reopened(spool, tmp_path)

    assert after.lease(10, 10_000) == before
    assert after.fill().waiting == 1
    after.close()


def test_two_leases_at_once_are_refused(spool):
    spool.put([record("a"), record("b")])
    spool.lease(1, 10_000)

    with pytest.raises(LeaseOut):
        spool.lease(1, 10_000)


def test_sequences_go_on_after_a_restart_although_nothing_is_left(spool, tmp_path):
    spool.put([record("a")])
    spool.lease(10, 10_000)
    spool.commit()

    after = reopened(spool, tmp_path)

    assert list(after.put([record("b")])) == [2]
    after.close()


def test_a_full_spool_drops_the_least_important_first_and_says_how_many(tmp_path):
    spool = open_spool(tmp_path, limit_bytes=4_000)
    spool.put([record("violation", importance=Importance.VIOLATION, at_us=1)])
    for number in range(20):
        spool.put([record(f"{number}", importance=Importance.ATTEMPT, at_us=100 + number)])

    facts = facts_of(spool.lease(100, 100_000))

    gaps = [f for f in facts if isinstance(f, SensorGap)]
    assert fact("violation") in facts
    assert fact("19") in facts
    assert fact("0") not in facts
    assert gaps
    assert {gap.cause for gap in gaps} == {"spool_full"}
    assert sum(gap.lost for gap in gaps) == spool.fill().dropped == 21 - (len(facts) - len(gaps))
    assert gaps[0].from_us == 100
    spool.close()


def test_a_drop_is_told_once_for_many_observations(tmp_path):
    spool = open_spool(tmp_path)
    spool.put([record(f"{n:0100}") for n in range(500)])
    spool.limit_bytes = 20_000

    spool.put([record("last", importance=Importance.VIOLATION)])

    gaps = [f for f in facts_of(spool.lease(999, 10**6)) if isinstance(f, SensorGap)]
    assert len(gaps) == 1
    assert gaps[0].lost == spool.fill().dropped > 400
    assert spool.fill().bytes <= 20_000
    spool.close()


def test_the_sealed_batch_is_never_dropped(tmp_path):
    spool = open_spool(tmp_path, limit_bytes=3_000)
    spool.put([record("sealed", importance=Importance.STATE)])
    sealed = spool.lease(10, 10_000)
    spool.give_back()
    spool.put([record(f"{n}") for n in range(30)])

    assert spool.lease(10, 10_000) == sealed
    spool.close()


def test_a_limit_below_the_sealed_batch_drops_all_that_can_be_dropped(tmp_path):
    spool = open_spool(tmp_path)
    spool.put([record("sealed")])
    spool.lease(10, 10_000)
    spool.limit_bytes = 1

    spool.put([record("new")])

    spool.commit()
    assert [type(f) for f in facts_of(spool.lease(10, 10_000))] == [SensorGap]
    spool.close()


def test_nothing_to_drop_is_no_gap(tmp_path):
    spool = open_spool(tmp_path)
    spool.put([record("sealed")])
    spool.lease(10, 10_000)
    spool.limit_bytes = 1

    spool.put([])

    assert spool.fill().dropped == 0
    spool.close()


def test_what_is_too_old_is_dropped_and_told(spool):
    spool.put([record("old", at_us=10), record("new", at_us=1_000)])

    spool.expire(500)

    kept = facts_of(spool.lease(10, 10_000))
    assert kept[0] == fact("new")
    assert isinstance(kept[1], SensorGap)
    assert (kept[1].lost, kept[1].from_us) == (1, 10)


def test_nothing_too_old_is_nothing_told(spool):
    spool.put([record("new", at_us=1_000)])

    spool.expire(500)

    assert facts_of(spool.lease(10, 10_000)) == [fact("new")]


def test_a_refused_batch_is_kept_apart_and_told_and_the_next_goes_on(spool):
    spool.put([record("bad", at_us=5), record("good")])
    spool.lease(1, 10_000)

    spool.quarantine("422: no")

    following = facts_of(spool.lease(10, 10_000))
    assert following[0] == fact("good")
    assert isinstance(following[1], SensorGap)
    assert (following[1].lost, following[1].detail, following[1].from_us) == (1, "422: no", 5)
    assert spool.fill().quarantined == 1


def test_the_chain_skips_a_refused_batch(spool):
    spool.put([record("a"), record("b"), record("c")])
    accepted = spool.lease(1, 10_000)
    spool.commit()
    spool.lease(1, 10_000)
    spool.quarantine("422: no")

    assert read(spool.lease(1, 10_000)).previous == digest(accepted.body)


def test_a_full_spool_gives_up_refused_batches_first(tmp_path):
    spool = open_spool(tmp_path)
    spool.put([record("bad" * 200), record("good")])
    spool.lease(1, 10_000)
    spool.quarantine("422: no")
    spool.limit_bytes = spool.fill().bytes - 1

    spool.put([])

    assert spool.fill().dropped == 0
    assert spool.fill().bytes < spool.limit_bytes
    spool.close()


def test_the_counts_are_the_same_after_a_restart(spool, tmp_path):
    spool.put([record(key) for key in "abcdef"])
    spool.lease(2, 10_000)
    spool.quarantine("422: no")
    spool.lease(2, 10_000)
    before = spool.fill()

    after = reopened(spool, tmp_path)

    assert after.fill() == before
    after.close()


def test_a_second_agent_on_the_same_spool_is_refused(spool, tmp_path):
    with pytest.raises(SpoolTaken):
        open_spool(tmp_path)


def test_a_spool_that_is_no_database_is_kept_aside_and_sequences_go_on(spool, tmp_path):
    spool.put([record("a")])
    spool.lease(1, 10_000)
    spool.commit()
    spool.close()
    (tmp_path / "spool.db").write_bytes(b"torn" * 5_000)

    after = open_spool(tmp_path)

    assert "not a database" in after.broken
    assert (tmp_path / "spool.db.broken").read_bytes().startswith(b"torn")
    assert list(after.put([record("c")])) == [3 + RESERVE]
    assert read(after.lease(1, 10_000)).previous != ""
    after.close()


def test_a_damaged_page_is_recognised(spool, tmp_path):
    spool.put([record("x" * 3_000) for _ in range(40)])
    spool.close()
    path = tmp_path / "spool.db"
    content = bytearray(path.read_bytes())
    content[5 * 4096 : 9 * 4096] = b"\xff" * (4 * 4096)
    path.write_bytes(content)

    after = open_spool(tmp_path)

    assert after.broken
    assert after.fill().waiting == 0
    after.close()


def test_a_whole_spool_says_that_nothing_was_wrong(spool):
    assert spool.broken == ""


def test_a_folder_that_is_not_there_is_no_damage(tmp_path):
    with pytest.raises(sqlite3.OperationalError):
        open_spool(tmp_path / "missing")


def test_the_watermark_is_written_once_for_many_observations(spool, tmp_path):
    spool.put([record("a")])
    before = read_watermark(tmp_path / "watermark.json", now_us=0)
    spool.put([record("b")])

    assert read_watermark(tmp_path / "watermark.json", now_us=0) == before
    assert before == Watermark(reserved=3 + RESERVE)


def test_a_watermark_that_cannot_be_written_is_a_full_spool(spool, tmp_path):
    (tmp_path / ".watermark.json.new").mkdir()

    with pytest.raises(SpoolFull):
        spool.put([record("a")])

    (tmp_path / ".watermark.json.new").rmdir()
    assert list(spool.put([record("a")])) == [1]


def test_a_watermark_that_cannot_be_copied_does_not_hold_up_a_commit(spool, tmp_path):
    spool.put([record("a"), record("b")])
    first = spool.lease(1, 10_000)
    (tmp_path / ".watermark.json.new").mkdir()

    spool.commit()

    assert read(spool.lease(1, 10_000)).previous == digest(first.body)


def test_an_error_that_is_not_a_full_disk_is_not_called_one(spool):
    refuse = "CREATE TRIGGER no BEFORE INSERT ON observation BEGIN SELECT RAISE(ABORT, 'no'); END"
    spool._db.execute(refuse)

    with pytest.raises(sqlite3.IntegrityError):
        spool.put([record("a")])

    spool._db.execute("DROP TRIGGER no")
    assert list(spool.put([record("b")])) == [1]


def test_a_spool_that_cannot_be_opened_is_not_taken_for_a_damaged_one(tmp_path):
    open_spool(tmp_path).close()
    (tmp_path / "spool.db-wal").mkdir()

    with pytest.raises(sqlite3.OperationalError):
        open_spool(tmp_path)

    assert not (tmp_path / "spool.db.broken").exists()


def test_a_full_disk_takes_nothing_and_loses_nothing(spool):
    spool.put([record("a")])
    pages = spool._db.execute("PRAGMA page_count").fetchone()[0]
    spool._db.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(SpoolFull):
        spool.put([record("x" * 100_000)])

    assert spool.fill().waiting == 1
    spool._db.execute("PRAGMA max_page_count = 100000")
    assert list(spool.put([record("b")])) == [2]
    assert keys_of(spool.lease(10, 10_000)) == ["a", "b"]


def test_a_lost_spool_says_that_it_began_anew_until_the_collector_took_a_batch(spool, tmp_path):
    used = spool.put([record("sent")])
    spool.lease(10, 10_000)  # sent, taken, and the answer never came
    spool.close()
    (tmp_path / "spool.db").write_bytes(b"not a database, " * 1_000)

    after = open_spool(tmp_path)
    after.put([record("a"), record("b")])
    first = read(after.lease(1, 10_000))
    after.commit()
    second = read(after.lease(1, 10_000))

    assert after.broken
    assert (first.anew, second.anew) == (True, False)
    assert first.first > used[-1]
    after.close()


def test_a_spoilt_watermark_does_not_keep_the_agent_from_starting(spool, tmp_path):
    spool.put([record("a")])
    spool.close()
    (tmp_path / "watermark.json").write_text("{}}")
    (tmp_path / "spool.db").unlink()

    after = open_spool(tmp_path)

    assert after.put([record("b")])[0] == NOW.at_us // 1000
    after.close()


def test_what_waits_goes_out_under_the_new_identity_as_a_record_begun_anew(spool, tmp_path):
    spool.put([record("a"), record("b"), record("c")])
    spool.lease(1, 10_000)
    spool.commit()
    spool.lease(1, 10_000)
    spool.close()

    after = open_spool(tmp_path, agent="agent-2")

    batch = read(after.lease(10, 10_000))
    assert (batch.agent, batch.previous, batch.anew) == ("agent-2", "", True)
    assert [o.fact for o in batch.observations] == [fact("b"), fact("c")]
    after.close()
