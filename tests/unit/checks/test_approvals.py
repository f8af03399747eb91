import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.approvals import standing
from checks.facts.base import Process, UnknownProcess
from checks.facts.connections import Gateway, NamedBy
from checks.facts.witness import IntranetWitness
from checks.policy import Approved, Endpoint, Subject, parse_policy
from checks.subjects import is_about
from tests.samples import (
    BY_GATEWAY,
    BY_TELEPHONE,
    CURL,
    DAY_US,
    ENDPOINT,
    NOW_US,
    POLICY,
    POLICY_TEXT,
    connection,
    context,
)


def with_approval(lines):
    entry = f'\n[[approved]]\nname = "x"\ndestinations = ["203.0.113.80/32", "2001:db8::/64"]\n{lines}\n'
    return parse_policy(POLICY_TEXT + entry)


@pytest.mark.parametrize(
    ("what", "lines", "changes", "accepted"),
    [
        ("its dates", "expires = 2027-01-01", {}, True),
        ("not begun", "expires = 2027-01-01\nstarts = 2026-12-01", {}, False),
        ("its last day", "expires = 2026-11-18", {}, True),
        ("ended yesterday", "expires = 2026-11-17", {}, False),
        ("IPv6", "expires = 2027-01-01", {"destination": "2001:db8::7"}, True),
        ("port", "expires = 2027-01-01\nports = [80]", {}, False),
        ("another way out", "expires = 2027-01-01", {"egress": BY_TELEPHONE}, False),
        (
            "the way it names",
            'expires = 2027-01-01\nvia = "usb_tether"',
            {"egress": BY_TELEPHONE},
            True,
        ),
        (
            "process by path",
            'expires = 2027-01-01\nsubject.processes = ["/usr/bin/curl"]',
            {},
            True,
        ),
        ("process by name", 'expires = 2027-01-01\nsubject.processes = ["curl"]', {}, True),
        ("another process", 'expires = 2027-01-01\nsubject.processes = ["wget"]', {}, False),
        (
            "a process nobody knows",
            'expires = 2027-01-01\nsubject.processes = ["curl"]',
            {"process": UnknownProcess(why="gone")},
            False,
        ),
        ("user", 'expires = 2027-01-01\nsubject.users = ["alice"]', {}, True),
        ("department", 'expires = 2027-01-01\nsubject.departments = ["检验科"]', {}, False),
        ("group", 'expires = 2027-01-01\nsubject.groups = ["g"]', {}, False),
    ],
)
def test_an_approval_covers_what_it_names(what, lines, changes, accepted):
    found = standing(connection(**changes), context(policy=with_approval(lines)))

    assert found.accepted is accepted, what
    assert (found.entry == "x") is accepted, what


def test_the_groups_of_an_endpoint_count():
    policy = with_approval('expires = 2027-01-01\nsubject.groups = ["g"]')
    endpoint = Endpoint(id="e", groups=("f", "g"))

    assert (
        standing(connection(), context(policy=policy, endpoint=endpoint)).decided_by == "approved x"
    )


def test_a_process_without_a_path_is_known_by_its_name():
    policy = with_approval('expires = 2027-01-01\nsubject.processes = ["curl"]')

    seen = connection(process=Process(pid=1, name="curl"))

    assert standing(seen, context(policy=policy)).accepted
    assert CURL.executable


VENDOR = "203.0.113.80"


RESOLVER = "10.20.0.53"
NAMED = {"name": "pay.example.cn", "named_by": NamedBy(server=RESOLVER, egress=BY_GATEWAY)}


def with_entries(*entries):
    """A policy with entries (name, effect, more lines) for one destination, in this order."""
    tables = (
        f'\n[[approved]]\nname = "{name}"\neffect = "{effect}"\n'
        f'destinations = ["{VENDOR}/32"]\nexpires = 2027-01-01\n{lines}\n'
        for name, effect, lines in entries
    )
    return parse_policy(POLICY_TEXT + "".join(tables))


@pytest.mark.parametrize(
    ("what", "lines", "changes", "accepted"),
    [
        ("a name", 'destinations = ["pay.example.cn"]', {**NAMED, "name": "PAY.example.cn."}, True),
        (
            "everything below",
            'destinations = ["*.example.cn"]',
            {**NAMED, "name": "a.b.example.cn"},
            True,
        ),
        (
            "not the name itself",
            'destinations = ["*.example.cn"]',
            {**NAMED, "name": "example.cn"},
            False,
        ),
        (
            "not a longer name",
            'destinations = ["example.cn"]',
            {**NAMED, "name": "notexample.cn"},
            False,
        ),
        ("no name is known", 'destinations = ["example.cn"]', {}, False),
        (
            "its gateway",
            f'destinations = ["{VENDOR}/32"]\ngateway = "10.20.0.1"\ngateway_mac = "02:00:00"',
            {},
            True,
        ),
        ("another gateway", f'destinations = ["{VENDOR}/32"]\ngateway = "10.20.0.2"', {}, False),
        (
            "another gateway's MAC",
            f'destinations = ["{VENDOR}/32"]\ngateway_mac = "02:00:00:00:00:02"',
            {},
            False,
        ),
        ("its direction", f'destinations = ["{VENDOR}/32"]\ndirection = "in"', {}, False),
        (
            "the program's hash",
            f'destinations = ["{VENDOR}/32"]\nsubject.processes = ["sha256:{"AB" * 32}"]',
            {"process": Process(pid=1, name="x", sha256="ab" * 32)},
            True,
        ),
        (
            "another program's hash",
            f'destinations = ["{VENDOR}/32"]\nsubject.processes = ["sha256:{"cd" * 32}"]',
            {"process": Process(pid=1, name="x", sha256="ab" * 32)},
            False,
        ),
        (
            "who logged in",
            f'destinations = ["{VENDOR}/32"]\nsubject.users = ["alice"]',
            {"process": Process(pid=1, name="x", user="root", login="alice")},
            True,
        ),
        ("an hour of the week", f'destinations = ["{VENDOR}/32"]\nschedule = ["wed"]', {}, True),
        ("another day", f'destinations = ["{VENDOR}/32"]\nschedule = ["thu"]', {}, False),
        (
            "a moment that is past",
            f'destinations = ["{VENDOR}/32"]\nstarts = 2026-11-19T01:00',
            {},
            False,
        ),
    ],
)
def test_an_entry_covers_by_name_way_program_and_hour(what, lines, changes, accepted):
    text = f'{POLICY_TEXT}\n[[approved]]\nname = "x"\nexpires = "2027-01-01"\n{lines}\n'.replace(
        "2026-11-19T01:00", '"2026-11-19T01:00"'
    )

    found = standing(connection(**changes), context(policy=parse_policy(text)))

    assert found.accepted is accepted, what


def test_the_order_of_decision_is_that_of_the_effects_and_not_of_the_file():
    entries = [("w", "allow", ""), ("x", "exception", ""), ("y", "block", ""), ("z", "deny", "")]
    decided = []
    while entries:
        found = standing(connection(), context(policy=with_entries(*entries)))
        decided.append((found.decided_by, found.accepted))
        entries.pop()

    assert decided == [
        ("deny z", False),
        ("block y", False),
        ("exception x", True),
        ("approved w", True),
    ]


def test_what_forbids_forbids_on_every_way_and_what_has_ended_forbids_no_more():
    policy = with_entries(("d", "deny", ""), ("t", "allow", 'via = "usb_tether"'))
    over = connection(egress=BY_TELEPHONE)

    assert standing(over, context(policy=policy)).decided_by == "deny d"
    later = context(policy=policy, judged_us=NOW_US + 60 * DAY_US)
    assert standing(over, later).decided_by == "lapsed t"


def test_an_address_inside_can_be_denied_and_what_stays_on_its_segment_cannot():
    text = '\n[[approved]]\nname = "d"\neffect = "deny"\ndestinations = ["0.0.0.0/0"]\n'
    policy = parse_policy(POLICY_TEXT + text)

    inside = standing(connection(destination="10.20.9.9"), context(policy=policy))
    local = standing(connection(destination="224.0.0.251"), context(policy=policy))

    assert (inside.accepted, inside.decided_by) == (False, "deny d")
    assert local.accepted


RESOLVERS = f"""
[names]
resolvers = ["{RESOLVER}", "203.0.113.53"]
"""
BY_NAME = """
[[approved]]
name = "x"
effect = "EFFECT"
destinations = ["pay.example.cn"]
expires = 2027-01-01
"""
BY_ANOTHER_ROUTER = msgspec.structs.replace(
    BY_GATEWAY, gateway="192.168.1.1", gateway_mac="02:00:00:00:00:77", link_gateways=()
)


@pytest.mark.parametrize(
    ("who_answered", "named_by", "believed"),
    [
        ("the hospital's server", NamedBy(server=RESOLVER, egress=BY_GATEWAY), True),
        ("a listed one outside", NamedBy(server="203.0.113.53", egress=BY_GATEWAY), True),
        ("nobody that is known", None, False),
        ("a program on the machine", NamedBy(server="127.0.0.1", egress=BY_GATEWAY), False),
        ("another host inside", NamedBy(server="10.20.0.54", egress=BY_GATEWAY), False),
        ("a public server", NamedBy(server="198.51.100.53", egress=BY_GATEWAY), False),
        ("its address on a tether", NamedBy(server=RESOLVER, egress=BY_TELEPHONE), False),
        ("outside, over a tether", NamedBy(server="203.0.113.53", egress=BY_TELEPHONE), False),
        ("its address at home", NamedBy(server=RESOLVER, egress=BY_ANOTHER_ROUTER), False),
    ],
)
def test_a_host_name_approves_only_as_the_hospitals_own_servers_gave_it(
    who_answered, named_by, believed
):
    seen = connection(name="pay.example.cn", named_by=named_by)
    found = {
        effect: standing(seen, context(policy=parse_policy(
            RESOLVERS + POLICY_TEXT + BY_NAME.replace("EFFECT", effect)
        ))).decided_by
        for effect in EFFECTS
    }  # fmt: skip

    unproven = "unproven name: x"
    assert found == {
        "deny": "deny x",
        "block": "block x",
        "exception": "exception x" if believed else unproven,
        "allow": "approved x" if believed else unproven,
    }, who_answered


def test_while_no_server_is_listed_those_inside_give_names():
    policy = parse_policy(POLICY_TEXT + BY_NAME.replace("EFFECT", "allow"))
    outside = NamedBy(server="203.0.113.53", egress=BY_GATEWAY)

    assert standing(connection(**NAMED), context(policy=policy)).entry == "x"
    assert not standing(
        connection(**NAMED | {"named_by": outside}), context(policy=policy)
    ).accepted


def test_a_home_router_with_the_hospitals_addresses_gives_no_names():
    at_home = msgspec.structs.replace(
        BY_GATEWAY,
        gateway_mac="02:00:00:00:00:77",
        link_gateways=(Gateway(address="10.20.0.1", mac="02:00:00:00:00:77"),),
    )
    policy = parse_policy(
        POLICY_TEXT.replace(', gateway_mac = "02:00:00:00:00:01"', "")
        + BY_NAME.replace("EFFECT", "allow")
        + 'via = "usb_tether"\n'
    )
    seen = connection(
        egress=BY_TELEPHONE,
        name="pay.example.cn",
        named_by=NamedBy(server=RESOLVER, egress=at_home),
    )
    met = IntranetWitness(gateways=BY_GATEWAY.link_gateways, last_answer_us=NOW_US)

    assert standing(seen, context(policy=policy)).entry == "x"
    there = context(policy=policy, known={IntranetWitness: met})
    assert standing(seen, there).decided_by == "unproven name: x"


def test_an_address_that_is_approved_needs_no_name_and_a_foreign_name_does_no_harm():
    policy = with_entries(("x", "allow", ""))
    foreign = NamedBy(server="198.51.100.53", egress=BY_TELEPHONE)

    found = standing(connection(name="else.example", named_by=foreign), context(policy=policy))

    assert found.decided_by == "approved x"


def test_a_name_that_is_not_believed_does_not_make_it_a_lapsed_approval():
    lapsed = BY_NAME.replace("EFFECT", "allow").replace("2027-01-01", "2026-11-01")
    policy = parse_policy(POLICY_TEXT + lapsed)

    believed = standing(connection(**NAMED), context(policy=policy))
    doubted = standing(connection(name="pay.example.cn"), context(policy=policy))

    assert believed.decided_by == "lapsed x"
    assert (doubted.decided_by, doubted.is_violation) == ("default: outside the address plan", True)


EFFECTS = ("deny", "block", "exception", "allow")
ENTRY = st.tuples(
    st.sampled_from(EFFECTS),
    st.sampled_from(("203.0.113.80/32", "203.0.113.0/24", "198.51.100.0/24", "10.20.0.0/16")),
    st.sampled_from(("2026-11-01", "2026-11-19", "2027-06-30")),
    st.sampled_from(("", "2026-11-01", "2026-12-01")),
    st.sampled_from(("", "tcp", "udp")),
    st.sampled_from(("", "intranet", "usb_tether")),
)


SUBJECTS = st.builds(
    Subject,
    endpoints=st.sampled_from(((), ("ward3-pc1",), ("NK3-PC-017", "other"), ("other",), ("",))),
    departments=st.sampled_from(((), ("内科三病区",), ("检验科",))),
    groups=st.sampled_from(((), ("g",), ("h", "i"))),
    processes=st.sampled_from(
        ((), ("/usr/bin/curl",), ("curl", "wget"), ("wget",), (f"sha256:{'AB' * 32}",), ("",))
    ),
    users=st.sampled_from(((), ("alice",), ("bob", "carol"), ("",))),
)


@given(
    subjects=st.lists(SUBJECTS, max_size=8),
    process=st.sampled_from(
        (
            CURL,
            UnknownProcess(why="gone"),
            Process(pid=1, name="x", sha256="ab" * 32, login="bob"),
        )
    ),
    groups=st.sampled_from(((), ("g",), ("i", "g"))),
)
def test_entries_are_found_by_whom_they_are_for_as_by_a_look_at_each(subjects, process, groups):
    endpoint = msgspec.structs.replace(ENDPOINT, groups=groups)
    listed = tuple(
        Approved(name=f"e{n}", destinations=(f"{VENDOR}/32",), expires="2027-01-01", subject=one)
        for n, one in enumerate(subjects)
    )
    policy = msgspec.structs.replace(POLICY, approved=listed)

    found = standing(connection(process=process), context(policy=policy, endpoint=endpoint))

    known = process if isinstance(process, Process) else None
    meant = [entry.name for entry in listed if is_about(entry.subject, endpoint, known)]
    assert found.entry == (meant[0] if meant else "")


@given(
    entries=st.lists(ENTRY, max_size=6),
    destination=st.sampled_from(("203.0.113.80", "203.0.113.9", "198.51.100.1", "10.20.9.9")),
    egress=st.sampled_from((BY_GATEWAY, BY_TELEPHONE)),
)
def test_the_first_entry_in_force_of_the_first_effect_decides_and_nothing_else_accepts(
    entries, destination, egress
):
    listed = tuple(
        Approved(
            name=f"e{n}", effect=effect, destinations=(prefix,), expires=expires,
            starts=starts, protocol=protocol, via=via,
        )
        for n, (effect, prefix, expires, starts, protocol, via) in enumerate(entries)
    )  # fmt: skip
    policy = msgspec.structs.replace(POLICY, approved=listed)
    seen = connection(destination=destination, egress=egress)

    found = standing(seen, context(policy=policy))
    again = standing(seen, context(policy=policy))

    fitting = [entry for entry in listed if _fits(entry, seen)]
    fitting.sort(key=lambda entry: EFFECTS.index(entry.effect))
    zone = "zone ward" if destination == "10.20.9.9" and egress is BY_GATEWAY else ""
    assert found == again
    if fitting:
        assert found.decided_by.endswith(f" {fitting[0].name}")
        assert found.accepted is (fitting[0].effect in ("exception", "allow"))
    else:
        assert found.accepted is bool(zone)
        assert found.decided_by == zone or not zone


def _fits(entry, seen):
    """The same, told once more in the plainest way."""
    in_time = entry.starts in ("", "2026-11-01") and entry.expires != "2026-11-01"
    here = seen.destination.startswith(
        {"203.0.113.80/32": "203.0.113.80", "203.0.113.0/24": "203.0.113.",
         "198.51.100.0/24": "198.51.100.", "10.20.0.0/16": "10.20."}[entry.destinations[0]]
    )  # fmt: skip
    forbids = entry.effect in ("deny", "block")
    way = entry.via or ("" if forbids else "intranet")
    over = "usb_tether" if seen.egress is BY_TELEPHONE else "intranet"
    return in_time and here and entry.protocol in ("", "tcp") and way in ("", over)
