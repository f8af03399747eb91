import pytest

from checks.facts.health import EndpointSilent
from checks.policy import parse_policy
from collector.silence import Quiet, Sight, margin, patience, witnesses, word_about

SECOND = 1_000_000
MAC = "52:54:00:00:00:02"
POLICY = parse_policy("")


def quiet(said: EndpointSilent | None = None, *, last_heard_us: int = 1000 * SECOND) -> Quiet:
    return Quiet(
        agent="a-1",
        last_heard_us=last_heard_us,
        said=said,
        macs=frozenset({MAC}),
    )


def said(*, silent_for_s: int, witnesses: tuple[str, ...] = (), at_s: int = 1000) -> EndpointSilent:
    return EndpointSilent(
        endpoint="a-1",
        last_heard_us=at_s * SECOND,
        silent_for_us=silent_for_s * SECOND,
        witnesses=witnesses,
    )


def sight(agent: str = "a-2", *, at_s: int = 1070, mac: str = MAC, owner: str = "a-1") -> Sight:
    return Sight(witness="NK3-PC-018", agent=agent, mac=mac, owner=owner, at_us=at_s * SECOND)


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
        (sight(owner=""), True),
        (sight(at_s=990), False),
        (sight(at_s=1059), False),  # it may have been switched off before its next beat
        (sight(mac="52:54:00:00:00:99"), False),
        (sight(owner="a-3"), False),  # the dock went to somebody else
        (sight(agent="a-1"), False),
    ],
)
def test_a_witness_saw_the_endpoints_own_card_when_its_agent_should_have_spoken(seen, counts):
    assert bool(witnesses(quiet(), [seen], margin_us=margin(POLICY))) is counts
