from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.accept import STORED, Header, Outcome, Watermark, accept, advanced

MARK = Watermark(last=10, digest="aa")


def header(
    first: int, last: int, *, previous: str = "aa", digest: str = "bb", anew: bool = False
) -> Header:
    return Header(first=first, last=last, previous=previous, digest=digest, anew=anew)


def test_the_first_batch_of_an_agent_is_new() -> None:
    decision = accept(header(1, 5, previous=""), Watermark(), stored="")

    assert decision.outcome is Outcome.NEW


def test_a_batch_that_continues_the_chain_is_new() -> None:
    assert accept(header(11, 12), MARK, stored="").outcome is Outcome.NEW


def test_a_hole_in_the_sequence_with_the_right_chain_is_a_gap() -> None:
    assert accept(header(15, 20), MARK, stored="").outcome is Outcome.GAP


def test_a_repeat_is_a_duplicate_however_old_it_is() -> None:
    repeat = header(1, 5, previous="", digest="cc")

    assert accept(repeat, MARK, stored="cc").outcome is Outcome.DUPLICATE


def test_the_same_range_with_other_content_is_a_fork() -> None:
    decision = accept(header(1, 5, previous=""), MARK, stored="cc")

    assert decision.outcome is Outcome.FORK
    assert "1 to 5 overlap" in decision.why


def test_a_batch_after_another_than_ours_is_a_fork() -> None:
    decision = accept(header(11, 12, previous="dd"), MARK, stored="")

    assert decision.outcome is Outcome.FORK
    assert "dd" in decision.why


def test_the_same_machine_may_go_on_after_its_spool_was_lost() -> None:
    begun_anew = header(15, 20, previous="older", anew=True)

    assert accept(begun_anew, MARK, stored="").outcome is Outcome.BROKEN


def test_another_machine_cannot_say_that_it_lost_its_spool() -> None:
    begun_anew = header(15, 20, previous="older", anew=True)

    assert accept(begun_anew, MARK, stored="", same_machine=False).outcome is Outcome.FORK


def test_who_begins_anew_may_not_use_a_sequence_twice() -> None:
    begun_anew = header(10, 20, previous="older", anew=True)

    assert accept(begun_anew, MARK, stored="").outcome is Outcome.FORK


def test_who_begins_anew_and_knows_the_batch_before_continues_the_chain() -> None:
    assert accept(header(11, 12, anew=True), MARK, stored="").outcome is Outcome.NEW


def test_after_a_restore_the_next_batch_is_taken_without_the_one_before() -> None:
    restored = Watermark(last=10)

    assert accept(header(15, 20, previous="dd"), restored, stored="").outcome is Outcome.GAP
    assert accept(header(5, 20, previous="dd"), restored, stored="").outcome is Outcome.FORK


def test_the_watermark_moves_only_with_what_is_stored() -> None:
    assert advanced(MARK, header(11, 12), Outcome.NEW) == Watermark(last=12, digest="bb")
    assert advanced(MARK, header(1, 5), Outcome.DUPLICATE) == MARK


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.booleans()), max_size=30))
def test_whatever_is_sent_each_sequence_is_stored_once_and_in_order(
    sent: list[tuple[int, int, bool]],
) -> None:
    mark = Watermark()
    held: dict[tuple[int, int], str] = {}
    stored: list[int] = []

    for number, (skip, count, honest) in enumerate(sent):
        first = mark.last + 1 + skip if honest else max(1, mark.last - skip)
        one = header(first, first + count - 1, previous=mark.digest, digest=f"d{number}")
        outcome = accept(one, mark, stored=held.get((one.first, one.last), "")).outcome
        if outcome in STORED:
            stored += range(one.first, one.last + 1)
            held[one.first, one.last] = one.digest
        mark = advanced(mark, one, outcome)

    assert stored == sorted(set(stored))


@given(st.integers(1, 50), st.integers(0, 5))
def test_a_repeat_of_anything_stored_changes_nothing(first: int, length: int) -> None:
    one = header(first, first + length)
    mark = advanced(Watermark(last=first - 1, digest="aa"), one, Outcome.NEW)

    decision = accept(one, mark, stored=one.digest)

    assert decision.outcome is Outcome.DUPLICATE
    assert advanced(mark, one, decision.outcome) == mark
