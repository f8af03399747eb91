"""What the kernel notes of execs and forks, on this kernel."""

import os
import subprocess
import sys

import pytest

from agent.system.bpf_kernel import NoEbpf
from agent.system.exec_memory import Beginning, ExecMemory


@pytest.fixture
def memory():
    try:
        made = ExecMemory()
    except NoEbpf as refused:
        pytest.skip(f"this kernel or user has no eBPF: {refused}")
    if made.blind:
        made.close()
        pytest.skip(f"this kernel tells less of execs: {made.blind}")
    yield made
    made.close()


def ended(*command, **named):
    process = subprocess.Popen(command, **named)
    process.wait()
    return process.pid


def forked(act):
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    return pid


def test_file_arguments_and_parent_of_a_process_that_has_ended(memory):
    pid = ended("/bin/sh", "-c", "exit 0", "two words", "", "键", "last")

    assert memory.beginning(pid) == Beginning(
        os.getpid(), executed=True, file="/bin/sh",
        arguments=("/bin/sh", "-c", "exit 0", "two words", "", "键", "last"),
    )  # fmt: skip


def test_an_exec_by_descriptor_is_one_too(memory):
    program = os.open("/bin/true", os.O_RDONLY)

    pid = forked(lambda: os.execve(program, ["true", "by descriptor"], {}))
    os.close(program)

    assert memory.beginning(pid).arguments == ("true", "by descriptor")


def test_a_fork_has_a_parent_and_no_file(memory):
    pid = forked(lambda: None)

    assert memory.beginning(pid) == Beginning(os.getpid())


def test_an_exec_that_failed_leaves_nothing(memory):
    def fails():
        try:
            os.execv("/nowhere/tool", ["tool", "--password", "geheim"])
        except OSError:
            return

    assert memory.beginning(forked(fails)) == Beginning(os.getpid())


def test_an_exec_that_failed_after_one_that_succeeded_takes_its_arguments_away(memory):
    script = "import os\ntry: os.execv('/nowhere/x', ['x'])\nexcept OSError: pass"

    noted = memory.beginning(ended(sys.executable, "-S", "-E", "-c", script))

    assert (noted.file, noted.arguments) == (sys.executable, ())


def test_long_arguments_are_cut_off_and_the_rest_is_kept(memory):
    noted = memory.beginning(ended("/bin/true", "a" * 5000, "b"))

    assert noted.arguments == ("/bin/true", "a" * 255, "b")


def test_many_arguments_end_where_the_place_for_them_ends(memory):
    noted = memory.beginning(ended("/bin/true", *["argument"] * 200))

    assert noted.arguments[0] == "/bin/true"
    assert 10 < len(noted.arguments) < 200


def test_a_path_that_nobody_can_complete_is_not_told(memory):
    noted = memory.beginning(ended("./true", cwd="/bin"))

    assert (noted.executed, noted.file, noted.arguments) == (True, "", ("./true",))
