import pytest

from checks.facts.base import Process, UnknownProcess
from checks.facts.connections import Egress
from collector.dashboard.shown_who import account, called, way, who
from collector.dashboard.wording import Words
from collector.i18n import translator
from tests.samples import BY_GATEWAY, CURL

NOW = 1_795_000_000_000_000
ENGLISH = Words(translator("en"), "Asia/Shanghai", NOW)
CHINESE = Words(translator("zh_CN"), "Asia/Shanghai", NOW)
SSH = Process(
    pid=4312,
    name="ssh",
    executable="/usr/bin/ssh",
    uid=0,
    user="root",
    parent="bash (PID 4000)",
    sha256="ab" * 32,
    command="ssh -R 22:localhost:22 203.0.113.9",
    login="alice",
    session="3",
)


def texts(lines) -> dict[str, str]:
    return {line.label: line.text for line in lines if line.text}


def test_a_process_is_told_with_all_that_is_known_of_it():
    assert texts(who(SSH, ENGLISH)) == {
        "Process": "/usr/bin/ssh (PID 4312)",
        "Command line": "ssh -R 22:localhost:22 203.0.113.9",
        "Started by": "bash (PID 4000)",
        "User": "root",
        "Logged in as": "alice",
        "Program's SHA-256": "ab" * 32,
        "Login session": "3",
    }


def test_a_login_is_told_only_where_it_is_another_than_the_user():
    own = Process(pid=1, name="x", user="alice", login="alice")

    assert "Logged in as" not in texts(who(own, ENGLISH))
    assert texts(who(CURL, ENGLISH))["User"] == "alice"


def test_what_is_compared_letter_by_letter_stands_so():
    mono = {line.label for line in who(SSH, ENGLISH) if line.mono}

    assert mono == {"Process", "Command line", "Started by", "Program's SHA-256"}


@pytest.mark.parametrize("why", ["gone", "forbidden", "forwarded", "not_looked"])
def test_nobody_is_told_with_the_reason_in_both_languages(why):
    unknown = UnknownProcess(why=why)
    english, chinese = texts(who(unknown, ENGLISH)), texts(who(unknown, CHINESE))

    assert list(english) == ["Process"]
    assert english["Process"] not in (why, "")
    assert list(chinese.values()) != list(english.values())


def test_a_process_without_a_file_is_called_by_its_name():
    assert called(Process(pid=7, name="kworker")) == "kworker (PID 7)"


def test_a_user_without_a_name_is_its_number_and_nobody_is_nothing():
    assert account(Process(pid=1, name="x", uid=0)) == "0"
    assert account(Process(pid=1, name="x", uid=1000, user="alice")) == "alice"
    assert account(Process(pid=1, name="x")) == ""


def test_a_way_tells_its_interface_and_the_next_hop():
    assert texts(way(BY_GATEWAY, ENGLISH)) == {
        "Interface": f"eno1 · {ENGLISH.says.word('link_kind', 'wired')}",
        "Gateway": "10.20.0.1 · 02:00:00:00:00:01",
    }


def test_no_next_hop_is_another_thing_than_one_that_is_not_known():
    direct = Egress(interface="usb0", kind="usb_tether")
    unknown = Egress(interface="usb0", kind="usb_tether", gateway_known=False)

    assert texts(way(direct, ENGLISH))["Gateway"] == "none: directly connected"
    assert texts(way(unknown, ENGLISH))["Gateway"] == "could not be told"
    assert [line.mono for line in way(direct, ENGLISH)] == [False, False]
