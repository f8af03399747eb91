"""Open files below a folder, as /proc of the running system shows them."""

import os
import shutil
import subprocess
import sys

import pytest

from agent.system.held_files import held_files
from checks.facts.base import Process

HOLDING = """
import os, sys
held = [os.open("read", os.O_RDONLY), os.open("written", os.O_RDWR), os.open(".", os.O_RDONLY)]
print("open", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path):
    (tmp_path / "read").write_text("x")
    (tmp_path / "written").write_text("x")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING],
        cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "open\n"
        yield process
        process.stdin.close()


def test_files_that_are_open_are_told_with_their_process_and_folders_are_not(tmp_path, holder):
    held = list(held_files(str(tmp_path)))

    told = {(one.access.path, one.access.operations, one.access.pid) for one in held}
    assert told == {(b"read", ("open",), holder.pid), (b"written", ("write",), holder.pid)}
    assert all(isinstance(one.process, Process) for one in held)


def test_a_program_that_runs_from_there_is_an_execution(tmp_path):
    program = shutil.copy(shutil.which("cat") or "/bin/cat", tmp_path / "cat")
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        running.stdin.write(b"started\n")
        running.stdin.flush()
        assert running.stdout.readline() == b"started\n"
        held = list(held_files(str(tmp_path)))
        running.stdin.close()

    assert [(one.access.path, one.access.operations) for one in held] == [(b"cat", ("execute",))]


def test_our_own_files_do_not_count(tmp_path):
    descriptor = os.open(tmp_path / "own", os.O_RDWR | os.O_CREAT)
    try:
        assert list(held_files(str(tmp_path))) == []
    finally:
        os.close(descriptor)


def test_a_file_that_was_removed_meanwhile_is_not_told(tmp_path, holder):
    (tmp_path / "read").unlink()

    assert [one.access.path for one in held_files(str(tmp_path))] == [b"written"]
