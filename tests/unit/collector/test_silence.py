import pytest

from checks.facts.health import EndpointSilent
from checks.policy import parse_policy
from collector.silence import Quiet, Sight, patience, witnesses, word_about

SECOND = 1_000_000
POLICY = parse_policy("")


def quiet(said: EndpointSilent | None = None, *, last_heard_us: int = 1000 * SECOND) -> Quiet:
    return Quiet(
        agent="a-1",
        last_heard_us=last_heard_us,
        said=said,
        addresses=frozenset({"10.20.3.17", "52:54:00:00:00:02"}),
    )


def said(*, silent_for_s: int, witnesses: tuple[str, ...] = (), at_s: int = 1000) -> EndpointSilent:
    return EndpointSilent(
        endpoint="a-1",
        last_heard_us=at_s * SECOND,
        silent_for_us=silent_for_s * SECOND,
        witnesses=witnesses,
    )


def sight(witness: str = "NK3-PC-018", *, at_s: int = 1050, address: str = "10.20.3.17") -> Sight:
    return Sight(witness=witness, at_us=at_s * SECOND, seen=frozenset({address}))


def test_patience_is_the_missed_heartbeats():
    assert patience(POLICY) == 90 * SECOND


@pytest.mark.parametrize(
    ("before", "now_s", "spoken"),
    [
        (None, 1091, True),
        (said(silent_for_s=91), 1200, False),
        (said(silent_for_s=91), 1000 + 600, True),
        (said(silent_for_s=600), 1000 + 7000, False),
        (said(silent_for_s=600), 1000 + 7 * 86400, True),
        (said(silent_for_s=7 * 86400), 1000 + 9 * 86400, False),
        (said(silent_for_s=91, at_s=20), 1091, True),
    ],
)
def test_a_word_is_said_once_for_each_stage_of_an_episode(before, now_s, spoken):
    word = word_about(quiet(before), (), now_us=now_s * SECOND, policy=POLICY)

    assert (word is not None) is spoken


def test_the_first_witness_is_news():
    before = said(silent_for_s=91)

    word = word_about(quiet(before), [sight()], now_us=1200 * SECOND, policy=POLICY)

    assert word is not None
    assert word.witnesses == ("NK3-PC-018",)
    again = quiet(said(silent_for_s=200, witnesses=("NK3-PC-018",)))
    assert word_about(again, [sight()], now_us=1250 * SECOND, policy=POLICY) is None


@pytest.mark.parametrize(
    ("seen", "counts"),
    [
        (sight(), True),
        (sight(address="52:54:00:00:00:02"), True),
        (sight(at_s=990), False),
        (sight(address="10.20.3.99"), False),
        (sight(witness="a-1"), False),
    ],
)
def test_a_witness_saw_the_endpoint_itself_since_it_went_quiet(seen, counts):
    assert bool(witnesses(quiet(), [seen])) is counts
