"""Process facts on a recorded /proc."""

import os

import pytest

from agent.system.exec_memory import Beginning
from agent.system.processes import Processes, account, process_at
from checks.facts.base import Process, UnknownProcess


def plant(proc, pid, name, *, parent=0, uids="0\t0\t0\t0"):
    folder = proc / str(pid)
    (folder / "fd").mkdir(parents=True)
    (folder / "status").write_text(f"Name:\t{name}\nPPid:\t{parent}\nUid:\t{uids}\n")
    (folder / "comm").write_text(f"{name}\n")
    (folder / "exe").symlink_to(f"/usr/lib/{name} (deleted)")
    return folder


@pytest.fixture
def proc(tmp_path):
    plant(tmp_path, 1, "systemd")
    firefox = plant(tmp_path, 40, "firefox", parent=1)
    (firefox / "fd/7").symlink_to("socket:[4711]")
    return tmp_path


def test_a_living_process_is_named_by_its_leader_not_by_the_thread(proc):
    found = Processes(proc).named(40, name="Socket Thread", uid=0, now=0.0)

    assert found == Process(
        pid=40, name="firefox", executable="/usr/lib/firefox", uid=0, user="root", parent="systemd"
    )


def noting(processes, **noted):
    """As the kernel's memory answers: beginnings by pid."""
    known = {int(pid.removeprefix("pid")): value for pid, value in noted.items()}
    processes.beginnings = lambda pid: known.get(pid, Beginning())
    return processes


def test_a_process_that_has_ended_keeps_what_the_kernel_noted(proc):
    begun = Beginning(
        40, executed=True, file="/nowhere/curl", arguments=("curl", "--token", "geheim")
    )

    found = noting(Processes(proc), pid99=begun).named(99, name="curl", uid=0, now=0.0)

    assert found == Process(
        pid=99, name="curl", executable="/nowhere/curl", uid=0, user="root", parent="firefox",
        command="curl --token ***",
    )  # fmt: skip


def test_a_process_that_is_just_ending_keeps_the_file_that_the_kernel_noted(proc):
    (proc / "40/exe").unlink()
    begun = Beginning(1, executed=True, file="/nowhere/firefox")

    found = noting(Processes(proc), pid40=begun).named(40, name="firefox", uid=0, now=0.0)

    assert (found.executable, found.parent) == ("/nowhere/firefox", "systemd")


def test_a_fork_that_has_ended_ran_its_parent_s_program(proc):
    (proc / "40/cmdline").write_bytes(b"firefox\0-P\0ward\0")
    (proc / "40/loginuid").write_text("4242")
    (proc / "40/sessionid").write_text("7")

    found = noting(Processes(proc), pid99=Beginning(98), pid98=Beginning(40)).named(
        99, name="worker", uid=0, now=0.0
    )

    assert (found.executable, found.command) == ("/usr/lib/firefox", "firefox -P ward")
    assert (found.login, found.session) == ("4242", "7")


def test_a_fork_whose_parent_became_another_program_ran_the_one_from_before(proc):
    made = Beginning(98), Beginning(40, executed=True, file="/nowhere/sh", arguments=("sh",))

    found = noting(Processes(proc), pid99=made[0], pid98=made[1]).named(
        99, name="sh", uid=0, now=0.0
    )

    assert (found.executable, found.command) == ("/nowhere/sh", "sh")


def test_a_line_of_parents_without_end_is_followed_no_further(proc):
    found = noting(Processes(proc), pid99=Beginning(98), pid98=Beginning(99)).named(
        99, name="x", uid=0, now=0.0
    )

    assert found.executable == ""


def test_a_pid_that_another_user_has_by_now_is_not_taken_for_the_old_process(proc):
    found = Processes(proc).named(40, name="curl", uid=4242, now=0.0)

    assert (found.name, found.executable, found.user) == ("curl", "", "4242")


def test_a_program_with_another_effective_user_is_still_its_caller_s_process(proc):
    plant(proc, 50, "ping", parent=1, uids="4242\t0\t0\t0")

    found = Processes(proc).named(50, name="ping", uid=4242, now=0.0)

    assert (found.executable, found.user) == ("/usr/lib/ping", "4242")


def test_a_burst_reads_a_process_once_and_again_after_a_while(proc):
    processes = Processes(proc)
    first = processes.named(40, name="firefox", uid=0, now=0.0)
    (proc / "40/status").unlink()

    assert processes.named(40, name="firefox", uid=0, now=5.0) is first
    assert processes.named(40, name="firefox", uid=0, now=11.0).executable == ""


def test_the_memory_of_processes_is_bounded(proc):
    processes = Processes(proc)
    first = processes.named(40, name="firefox", uid=0, now=0.0)
    for pid in range(1000, 1600):
        processes.named(pid, name="short", uid=0, now=0.0)

    assert processes.named(40, name="firefox", uid=0, now=0.0) is not first


def test_a_socket_is_found_at_its_holder_and_named(proc):
    processes = Processes(proc)

    assert processes.holding(4711, 0) == 40
    assert processes.of_socket(4711, 0, now=0.0) == process_at(40, proc)
    assert processes.of_socket(4712, 0, now=0.0) is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can plant folders of other users")
def test_another_user_s_processes_are_not_looked_at_for_a_socket(proc):
    os.chown(proc / "40", 1234, 1234)

    assert Processes(proc).holding(4711, 1234) == 40
    assert Processes(proc).holding(4711, 4242) is None


def test_whoever_has_a_file_open_is_described_by_his_pid(proc):
    assert process_at(40, proc) == Process(
        pid=40, name="firefox", executable="/usr/lib/firefox", uid=0, user="root", parent="systemd"
    )


@pytest.mark.parametrize(("pid", "why"), [(0, "forbidden"), (99, "gone")])
def test_who_cannot_be_seen_is_unknown_with_a_reason(proc, pid, why):
    assert process_at(pid, proc) == UnknownProcess(why=why)


def test_an_account_without_a_name_is_its_number():
    assert account(0) == "root"
    assert account(4_000_000_000) == "4000000000"
    assert account(2**40) == str(2**40)
