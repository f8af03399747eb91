"""Files on a real disk: whole or not at all."""

import stat

import pytest

from agent import durable


def test_a_file_is_replaced_whole_and_is_private(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"a much longer old content")

    durable.write_durably(path, b"new")

    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == durable.PRIVATE
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"old")
    (tmp_path / ".key.new").mkdir()

    with pytest.raises(IsADirectoryError):
        durable.write_durably(path, b"new")

    assert path.read_bytes() == b"old"


def test_a_content_of_many_pages_is_written_whole(tmp_path):
    content = bytes(range(256)) * 10_000

    durable.write_durably(tmp_path / "large", content)

    assert (tmp_path / "large").read_bytes() == content


def test_a_quick_replacement_can_be_read_by_others(tmp_path):
    path = tmp_path / "status.json"

    durable.replace(path, b"{}")

    assert path.read_bytes() == b"{}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_missing_file_is_none_and_an_unreadable_one_an_error(tmp_path):
    assert durable.read_whole(tmp_path / "missing") is None
    with pytest.raises(IsADirectoryError):
        durable.read_whole(tmp_path)


def test_a_private_folder_is_made_once(tmp_path):
    folder = tmp_path / "a" / "b"

    durable.make_private_folder(folder)
    durable.make_private_folder(folder)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_removing_what_is_not_there_is_no_error(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"")

    durable.remove(path)
    durable.remove(path)

    assert not path.exists()


def test_a_file_is_set_aside_with_its_companions(tmp_path):
    for name in ("spool.db", "spool.db-wal"):
        (tmp_path / name).write_bytes(name.encode())

    durable.move_aside(tmp_path / "spool.db", ".broken", companions=("-wal", "-shm"))

    assert {p.name for p in tmp_path.iterdir()} == {"spool.db.broken", "spool.db.broken-wal"}
