"""Process facts on a recorded /proc."""

import pytest

from agent.system.procfs import Processes
from checks.facts.base import Process


@pytest.fixture
def proc(tmp_path):
    for pid, name, parent, uid in ((1, "systemd", 0, 0), (40, "firefox", 1, 0)):
        folder = tmp_path / str(pid)
        (folder / "fd").mkdir(parents=True)
        (folder / "status").write_text(
            f"Name:\t{name}\nPPid:\t{parent}\nUid:\t{uid}\t{uid}\t0\t0\n"
        )
        (folder / "comm").write_text(f"{name}\n")
        (folder / "exe").symlink_to(f"/usr/lib/{name} (deleted)")
    (tmp_path / "40/fd/7").symlink_to("socket:[4711]")
    return tmp_path


def test_a_living_process_is_named_by_its_leader_not_by_the_thread(proc):
    found = Processes(proc).named(40, name="Socket Thread", uid=0, now=0.0)

    assert found == Process(
        pid=40, name="firefox", executable="/usr/lib/firefox", uid=0, user="root", parent="systemd"
    )


def test_a_process_that_has_ended_keeps_what_the_kernel_noted(proc):
    found = Processes(proc).named(99, name="curl", uid=0, file="/usr/bin/curl", now=0.0)

    assert found == Process(pid=99, name="curl", executable="/usr/bin/curl", uid=0, user="root")


def test_a_pid_that_another_user_has_by_now_is_not_taken_for_the_old_process(proc):
    found = Processes(proc).named(40, name="curl", uid=4242, now=0.0)

    assert (found.name, found.executable, found.user) == ("curl", "", "4242")


def test_a_burst_reads_a_process_once_and_again_after_a_while(proc):
    processes = Processes(proc)
    first = processes.named(40, name="firefox", uid=0, now=0.0)
    (proc / "40/status").unlink()

    assert processes.named(40, name="firefox", uid=0, now=5.0) is first
    assert processes.named(40, name="firefox", uid=0, now=11.0).executable == ""


def test_a_socket_is_found_at_its_holder(proc):
    processes = Processes(proc)

    assert processes.holding(4711, 0) == 40
    assert processes.holding(4712, 0) is None
