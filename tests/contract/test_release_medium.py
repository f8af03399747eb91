"""`wardwatch-agent release --medium` where the service releases nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.health import STATUS_FILE, Status, write_status
from agent.hold_requests import hold_requests
from agent.spool import SpoolFill
from agent.uplink import UplinkHealth
from checks.facts.health import SensorHealth

ROOT = Path(__file__).parents[2]
GONE = 2**22 + 1
"""No process has this number: the kernel's highest is below it."""


def told(state, pid, holding):
    sensor = SensorHealth(name="holding", state=holding, reason="OSError: broken", since_us=1)
    status = Status(
        version="1",
        agent="a",
        collector="c",
        pid=pid,
        written_us=1,
        started_us=1,
        policy_version=1,
        sensors=(sensor,),
        coverage={},
        spool=SpoolFill(),
        uplink=UplinkHealth(),
    )
    write_status(state / STATUS_FILE, status)


def released(state):
    words = ("release", "--medium", "sdb", "--name", "Dr Li", "--reason", "theatre")
    return subprocess.run(
        [sys.executable, "-m", "agent", *words, "--state-dir", str(state)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )


@pytest.mark.parametrize("state", ["failed", "off"])
def test_where_the_sensor_does_not_run_the_command_says_so_at_once(tmp_path, state):
    told(tmp_path, os.getpid(), state)

    done = released(tmp_path)

    assert done.returncode == 1
    assert done.stderr == (
        f"not released: media are not held here: the sensor holding is {state}: OSError: broken\n"
    )
    assert hold_requests(tmp_path).waiting() == []


def test_where_the_service_does_not_run_the_command_says_so_at_once(tmp_path):
    told(tmp_path, GONE, "ok")

    done = released(tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("not released: the service does not run")
    assert hold_requests(tmp_path).waiting() == []
