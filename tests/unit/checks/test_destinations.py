import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.facts.base import Process
from checks.policy import Approved, Endpoint, Subject
from checks.policy.destinations import Destinations
from checks.subjects import who_acts

ENTRIES = tuple(
    Approved(name=name, destinations=destinations)
    for name, destinations in (
        ("wide", ("203.0.113.0/24", "2001:db8::/32")),
        ("host", ("203.0.113.80/32",)),
        ("again", ("203.0.113.80/32", "203.0.113.0/24")),
        ("updates", ("Updates.Example.CN",)),
        ("below", ("*.example.cn",)),
        ("all", ("0.0.0.0/0",)),
    )
)
LISTED = Destinations(ENTRIES)


@pytest.mark.parametrize(
    ("address", "name", "reaching"),
    [
        ("203.0.113.80", "", ["wide", "host", "again", "all"]),
        ("203.0.113.81", "", ["wide", "again", "all"]),
        ("2001:db8::7", "", ["wide"]),
        ("2001:db9::7", "", []),
        ("2001:db9::7", "updates.example.cn.", ["updates", "below"]),
        ("2001:db9::7", "A.B.EXAMPLE.CN", ["below"]),
        ("2001:db9::7", "example.cn", []),
        ("2001:db9::7", "badexample.cn", []),
    ],
)
def test_entries_are_found_in_the_order_of_the_policy(address, name, reaching):
    assert [entry.name for entry in LISTED.reaching(address, name)] == reaching


def test_a_name_that_is_not_believed_reaches_only_what_forbids():
    effects = ("allow", "exception", "block", "deny")
    listed = Destinations(
        [Approved(name=one, effect=one, destinations=("pay.example",)) for one in effects]
    )

    found = listed.reaching("203.0.113.80", "pay.example", believed=False)

    assert [entry.name for entry in found] == ["block", "deny"]


@pytest.mark.parametrize(
    "lists",
    [
        lambda own: {"endpoints": (own,)},
        lambda own: {"departments": (own,)},
        lambda own: {"groups": (own,)},
        lambda own: {"processes": (own,)},
        lambda own: {"users": (own,)},
    ],
)
def test_of_thousands_for_one_destination_only_those_for_this_endpoint_are_looked_at(lists):
    entries = [
        Approved(name=own, destinations=("203.0.113.80/32",), subject=Subject(**lists(own)))
        for own in map(str, range(5000))
    ]
    everybody = Approved(name="everybody", destinations=("203.0.113.0/24",))
    endpoint = Endpoint(id="17", department="17", groups=("17",))
    process = Process(pid=1, name="17", user="17")

    found = Destinations([*entries, everybody]).reaching(
        "203.0.113.80", who=who_acts(endpoint, process)
    )

    assert [entry.name for entry in found] == ["17", "everybody"]


prefixes = st.builds(
    lambda bits, length: str(ipaddress.ip_network((bits, length), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)


@given(st.lists(prefixes, max_size=30), st.integers(0, 2**32 - 1))
def test_what_is_found_is_what_a_look_at_every_entry_finds(listed, bits):
    address = ipaddress.ip_address(bits)
    entries = [Approved(name=str(n), destinations=(one,)) for n, one in enumerate(listed)]

    found = Destinations(entries).reaching(str(address))

    assert [entry.name for entry in found] == [
        str(n) for n, one in enumerate(listed) if address in ipaddress.ip_network(one)
    ]
