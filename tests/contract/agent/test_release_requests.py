"""How a command asks the running service to undo cuts, on a real disk."""

from agent.release_requests import FOLDER, ReleaseRequest, answered, ask, waiting

WANTED = ReleaseRequest(interface="usb0", actor="wang")


def test_a_request_waits_until_it_is_answered(tmp_path):
    path = ask(tmp_path, WANTED, name="41")

    assert waiting(tmp_path) == [(path, WANTED)]
    answered(path)
    assert waiting(tmp_path) == []


def test_nobody_else_may_ask_or_read(tmp_path):
    path = ask(tmp_path, WANTED, name="41")

    assert (tmp_path / FOLDER).stat().st_mode & 0o077 == 0
    assert path.stat().st_mode & 0o077 == 0


def test_what_nobody_can_read_is_told_as_such_and_hides_no_other(tmp_path):
    good = ask(tmp_path, WANTED, name="b")
    bad = good.with_name("a.json")
    bad.write_text('{"interface": 7}')
    long = good.with_name("c.json")
    long.write_text('{"interface": "' + "x" * 65 + '", "actor": "a"}')

    assert waiting(tmp_path) == [(bad, None), (good, WANTED), (long, None)]


def test_what_is_being_written_is_no_request_yet(tmp_path):
    path = ask(tmp_path, WANTED, name="41")
    path.with_name(".42.json").write_text("{}")

    assert [each for each, _ in waiting(tmp_path)] == [path]


def test_where_nobody_has_asked_nothing_waits(tmp_path):
    assert waiting(tmp_path) == []
