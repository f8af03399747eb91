import stat

import pytest

from agent.mailbox import Mailbox
from agent.release_requests import ReleaseRequest, release_requests

ASKED = ReleaseRequest(interface="eth1", actor="root")


@pytest.fixture
def requests(tmp_path) -> Mailbox[ReleaseRequest]:
    return release_requests(tmp_path)


def test_before_the_first_word_nothing_waits(requests):
    assert requests.waiting() == []


def test_a_word_waits_until_somebody_removes_it(requests):
    path = requests.put(ASKED)

    assert requests.waiting() == [(path, ASKED)]
    assert requests.waiting() == [(path, ASKED)]
    path.unlink()
    assert requests.waiting() == []


def test_words_are_nobody_else_s_business(requests):
    path = requests.put(ASKED)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_is_known_already_is_left_out(requests):
    first = requests.put(ASKED)
    second = requests.put(ASKED)

    assert requests.waiting({first}) == [(second, ASKED)]


@pytest.mark.parametrize("content", [b"", b"no json", b'{"interface": 1}', b"\xff", b"[]"])
def test_what_cannot_be_read_is_told_as_nothing(requests, content):
    path = requests.open() / "a.json"
    path.write_bytes(content)

    assert requests.waiting() == [(path, None)]


def test_what_is_just_being_written_does_not_wait(requests):
    (requests.open() / ".a.json.new").write_bytes(b"")

    assert requests.waiting() == []


def test_a_name_that_is_no_utf_8_is_told_all_the_same(requests):
    path = requests.put(ReleaseRequest(interface="\udcff", actor="root"))

    assert requests.waiting() == [(path, ReleaseRequest(interface=r"\udcff", actor="root"))]
