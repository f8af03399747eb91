"""What is shipped for the agent: its example settings and its unit, by their own tools."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.config import Settings, parse

ROOT = Path(__file__).parents[3]
UNIT = ROOT / "deploy" / "systemd" / "wardwatch-agent.service"
STATION = UNIT.with_name("wardwatch-station.service")
KIOSK = UNIT.with_name("wardwatch-station.desktop")
EXAMPLE = ROOT / "deploy" / "config" / "agent.toml"
WORST_EXPOSURE = 50
"""systemd-analyze's tenths: a service that may do nothing has 0, a bare one 96."""


@pytest.fixture
def analyze() -> str:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is missing (Debian package systemd)")
    return tool


def test_the_example_names_every_setting_with_its_default():
    text = EXAMPLE.read_text("utf-8")

    assert parse(text, {}, EXAMPLE.name) == Settings()
    for name in (*Settings.__struct_fields__, "interval", "timeout", "address", "level"):
        assert name in text


def test_the_unit_is_understood(analyze, tmp_path):
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/usr/bin/wardwatch-agent", "/bin/true"))

    done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_gives_up_what_the_sensors_do_not_need(analyze):
    command = [analyze, "security", "--offline=true", f"--threshold={WORST_EXPOSURE}", UNIT]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-400:]


def test_the_station_s_unit_is_understood_and_may_do_little(analyze, tmp_path):
    for unit in (UNIT, STATION):
        text = unit.read_text().replace("/usr/bin/wardwatch-agent", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    verify = [analyze, "verify", tmp_path / STATION.name]
    security = [analyze, "security", "--offline=true", f"--threshold={WORST_EXPOSURE}", STATION]

    read = subprocess.run(verify, capture_output=True, text=True, check=False)
    judged = subprocess.run(security, capture_output=True, text=True, check=False)

    assert (read.returncode, read.stderr) == (0, "")
    assert judged.returncode == 0, judged.stdout[-400:]


def test_the_kiosk_opens_the_page_at_the_station_s_usual_port():
    said = subprocess.run(
        [sys.executable, "-m", "agent", "station", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "default 8478" in said.stdout
    assert "http://127.0.0.1:8478/" in KIOSK.read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["once", "--policy", "/nowhere/policy.toml"], "/nowhere/policy.toml: No such file"),
        (["replay", EXAMPLE, "--policy", "/nowhere/p.toml"], "/nowhere/p.toml: No such file"),
        (["check-config", "--config", "/"], "/: Is a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_once(arguments, told):
    done = subprocess.run(
        [sys.executable, "-m", "agent", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith(told)
    assert done.stderr.removeprefix(told) in ("\n", " or directory\n")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["check-config", "--config", EXAMPLE], 0, "fine"),
        (["check-config", "--config", "/nowhere/agent.toml"], 2, "no such file"),
        (["run", "--state-dir", "/nowhere"], 2, "holds no identity"),
        (["status", "--state-dir", "/nowhere"], 1, "no agent has run"),
        (["enrol", "--token-file", "/nowhere"], 2, "which collector?"),
        (["unheard-of"], 2, "invalid choice"),
        (["scan", "/nowhere"], 2, "No such file"),
    ],
)
def test_every_command_ends_with_the_promised_status(arguments, status, words):
    done = subprocess.run(
        [sys.executable, "-m", "agent", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == status
    assert words in done.stdout + done.stderr


def test_a_wrong_key_is_named_with_what_was_meant(tmp_path):
    path = tmp_path / "agent.toml"
    path.write_text("[upload]\nintervall = 1\n")
    command = [sys.executable, "-m", "agent", "check-config", "--config", path]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr == "agent.toml: unknown key upload.intervall — did you mean interval?\n"
