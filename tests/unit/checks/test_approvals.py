import pytest

from checks.approvals import standing
from checks.facts.base import Process, UnknownProcess
from checks.policy import Endpoint, parse_policy
from tests.samples import BY_TELEPHONE, CURL, POLICY_TEXT, connection, context


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
