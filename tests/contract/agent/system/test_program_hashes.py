"""Hashes of programs, of files on this disk."""

import hashlib
import os
import selectors
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.system import program_hashes
from agent.system.program_hashes import ProgramHashes, runs


@pytest.fixture
def hashes():
    made = ProgramHashes()
    yield made
    made.close()


def waited(hashes, pid, path):
    with selectors.DefaultSelector() as selector:
        selector.register(hashes.fileno(), selectors.EVENT_READ)
        while hashes.of(pid, path) is None:
            assert selector.select(5), "no hash was made"
            hashes.answer()
    return hashes.of(pid, path)


def sha256(path):
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_a_living_process_s_program_is_hashed(hashes):
    own = os.path.realpath("/proc/self/exe")
    hashes.want(os.getpid(), own)

    assert waited(hashes, os.getpid(), own) == sha256(own)


def test_a_program_that_was_deleted_while_it_runs_is_hashed(hashes, tmp_path):
    tool = Path(shutil.copy("/bin/sleep", tmp_path / "tool"))
    expected = sha256(tool)
    with subprocess.Popen([tool, "60"]) as process:
        tool.unlink()
        hashes.want(process.pid, str(tool))
        process.kill()

    assert waited(hashes, process.pid, str(tool)) == expected


def test_a_process_that_has_ended_is_hashed_by_its_path(hashes):
    hashes.want(2**22 + 1, "/bin/true")

    assert waited(hashes, 2**22 + 1, "/bin/true") == sha256("/bin/true")


def test_a_program_that_was_hashed_is_known_at_once_to_other_processes(hashes):
    hashes.want(2**22 + 1, "/bin/true")
    waited(hashes, 2**22 + 1, "/bin/true")

    hashes.want(2**22 + 2, "/bin/true")

    assert hashes.of(2**22 + 2, "/bin/true") == sha256("/bin/true")


def test_another_content_at_the_same_path_is_hashed_again(hashes, tmp_path):
    tool = Path(shutil.copy("/bin/true", tmp_path / "tool"))
    hashes.want(2**22 + 1, str(tool))
    first = waited(hashes, 2**22 + 1, str(tool))
    times = tool.stat()
    with tool.open("r+b") as file:
        file.seek(100)
        file.write(b"changed")
    os.utime(tool, ns=(times.st_atime_ns, times.st_mtime_ns))  # ctime tells

    hashes.want(2**22 + 2, str(tool))

    assert waited(hashes, 2**22 + 2, str(tool)) == sha256(tool) != first


def test_what_is_not_there_a_fifo_and_what_is_too_large_have_no_hash(hashes, tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "large").write_bytes(b"x" * 2000)
    monkeypatch.setattr(program_hashes, "HASHED_MOST", 1000)
    for name in ("fifo", "large", "nothing"):
        hashes.want(2**22 + 1, str(tmp_path / name))

        assert hashes.of(2**22 + 1, str(tmp_path / name)) == ""


def test_what_was_never_asked_for_has_no_hash(hashes):
    assert hashes.of(1, "/bin/true") == ""


def test_a_script_runs_its_interpreter_behind_all_links(tmp_path):
    script = tmp_path / "script"
    (tmp_path / "python").symlink_to(sys.executable)
    script.write_text(f"#!{tmp_path}/python -S\npass\n")
    (tmp_path / "link").symlink_to(script)

    assert runs(str(tmp_path / "link")) == os.path.realpath(sys.executable)


def test_scripts_that_run_each_other_end(tmp_path):
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / one).write_text(f"#!{tmp_path}/{other}\n")

    assert runs(str(tmp_path / "a")) in (str(tmp_path / "a"), str(tmp_path / "b"))


@pytest.mark.parametrize("name", ["nothing", "binary"])
def test_what_names_no_interpreter_runs_itself(tmp_path, name):
    (tmp_path / "binary").write_bytes(b"\x7fELF#!/bin/sh\n")

    assert runs(str(tmp_path / name)) == str(tmp_path / name)
