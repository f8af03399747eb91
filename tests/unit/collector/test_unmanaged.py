import pytest

from checks.policy import parse_policy
from collector.judging.segment import HostRecord, SeenBy
from collector.unmanaged import is_due, words_about

SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
NOW = 100 * DAY
POLICY = parse_policy(
    """
[[zones]]
name = "intranet"
prefixes = ["10.20.0.0/16"]
via = [{ interface = "wired", gateway = "10.20.0.1", gateway_mac = "00:00:5e:00:01:0a" }]

[[hosts]]
name = "printer"
macs = ["52:54:00:aa:00:09"]
addresses = ["10.20.3.200"]

[[hosts]]
name = "infusion pumps"
macs = ["00:1b:2c"]
addresses = ["10.20.8.0/24"]

[[hosts]]
name = "old server"
addresses = ["10.20.1.5"]
"""
)


def host(mac: str = "52:54:00:aa:00:01", **changed) -> HostRecord:
    told = {
        "addresses": ("10.20.3.99",),
        "witnesses": (SeenBy(agent="a-2", at_us=NOW), SeenBy(agent="a-1", at_us=NOW - HOUR)),
        "first_seen_us": NOW - HOUR,
        "since_us": NOW - HOUR,
        "last_seen_us": NOW,
        "inside_us": NOW,
    }
    return HostRecord(mac=mac, **{**told, **changed})


@pytest.mark.parametrize(
    ("changed", "due"),
    [
        ({}, True),
        ({"since_us": NOW - 59 * SECOND}, False),
        ({"since_us": NOW - 60 * SECOND}, True),
        ({"told_us": NOW - 30 * 60 * SECOND}, False),
        ({"told_us": NOW - 2 * HOUR}, True),  # it was away since
        ({"since_us": NOW - 9 * DAY, "told_us": NOW - DAY}, True),
        ({"since_us": NOW - 9 * DAY, "told_us": NOW - DAY + SECOND}, False),
        ({"since_us": NOW - 9 * DAY, "told_us": NOW - DAY, "inside_us": NOW - HOUR}, False),
    ],
)
def test_a_host_is_told_when_it_stayed_or_returned_or_stays_on(changed, due):
    assert is_due(host(**changed), now_us=NOW, policy=POLICY) is due


@pytest.mark.parametrize(
    ("seen", "spoken"),
    [
        (host(), True),
        (host("52:54:00:aa:00:09", addresses=("10.20.3.200",)), False),
        (host("52:54:00:aa:00:09", addresses=()), False),
        (host("52:54:00:aa:00:09"), True),  # the printer's card at another address
        (host("00:1b:2c:00:00:01", addresses=("10.20.8.7",)), False),
        (host("00:1b:2c:00:00:01"), True),
        (host(addresses=("fe80::1", "10.20.1.5")), False),
        (host("00:00:5e:00:01:0a", addresses=("10.20.0.1",)), False),
        (host(addresses=("10.20.0.1",)), True),  # somebody else at the gateway's address
    ],
)
def test_known_hosts_and_the_plans_gateways_are_not_told(seen, spoken):
    said = list(words_about([seen], now_us=NOW, policy=POLICY))

    assert bool(said) is spoken


def test_everything_about_a_host_is_said_under_its_first_witness():
    [first] = words_about([host()], now_us=NOW, policy=POLICY)
    [again] = words_about([host(told_agent="a-9")], now_us=NOW, policy=POLICY)

    assert (first.endpoint, again.endpoint) == ("a-1", "a-9")
    assert (first.mac, first.addresses, first.witnesses, first.among) == (
        "52:54:00:aa:00:01",
        ("10.20.3.99",),
        ("a-2", "a-1"),
        1,
    )


def test_hosts_that_came_up_within_an_hour_are_counted_together():
    crowd = [host(f"52:54:00:bb:00:{n:02x}") for n in range(30)]
    old = host("52:54:00:cc:00:01", since_us=NOW - 9 * DAY, told_us=NOW - 8 * DAY)

    said = {fact.mac: fact.among for fact in words_about([*crowd, old], now_us=NOW, policy=POLICY)}

    assert (said["52:54:00:bb:00:00"], said["52:54:00:cc:00:01"]) == (30, 1)


def test_so_many_are_said_at_one_look_and_the_rest_at_the_next():
    crowd = [host(f"52:54:00:bb:{n // 256:02x}:{n % 256:02x}") for n in range(500)]

    assert len(list(words_about(crowd, now_us=NOW, policy=POLICY))) == 200
