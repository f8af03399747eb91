"""The README's commands do what it says."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.live import ROOT, until

README = (ROOT / "README.md").read_text("utf-8")
ROOMS = ("", "agent", "agent/media", "checks", "collector", "collector/dashboard", "deploy")
BLOCKS = re.findall(r"^[ ]*```sh\n(.*?)^[ ]*```", README, re.MULTILINE | re.DOTALL)


def test_the_two_commands_stand_first():
    assert [line.split("#")[0].strip() for line in BLOCKS[0].splitlines()] == [
        "make run",
        "make test",
    ]


@pytest.mark.parametrize("link", re.findall(r"\]\(((?!http)[^)#]+)", README), ids=lambda link: link)
def test_every_link_leads_somewhere(link):
    assert (ROOT / link).exists()


def commands_named():
    """(program, words, options) of each command that the README or a room's names."""
    found: dict[tuple[str, str], set[str]] = {}
    for room in ROOMS:
        for program, rest in re.findall(
            r"wardwatch-(agent|collector)((?: [a-z][a-z-]*(?=[ `\n]))+[^`\n]*)",
            (ROOT / room / "README.md").read_text("utf-8"),
        ):
            words = re.match(r"(?: [a-z][a-z-]*(?![\w./]))*", rest)[0].strip()
            options = set(re.findall(r"--[a-z-]+", rest)) - {"--help"}
            found.setdefault((program, words), set()).update(options)
    return [(*command, options) for command, options in sorted(found.items())]


def test_commands_are_named():
    assert len(commands_named()) > 15


@pytest.mark.parametrize(("program", "words", "options"), commands_named())
def test_a_command_that_a_readme_names_is_there(program, words, options):
    shown = subprocess.run(
        [sys.executable, "-m", program, *words.split(), "--help"],
        capture_output=True, text=True, check=False, cwd=ROOT, env={"COLUMNS": "200"},
    )  # fmt: skip

    assert shown.returncode == 0, shown.stderr
    assert f"usage: wardwatch-{program} {words} " in shown.stdout.lower()
    assert not [option for option in options if option not in shown.stdout]


@pytest.fixture
def checkout(tmp_path):
    """The files of this checkout in a folder of their own, with the same environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if not name.startswith("tests/") and (ROOT / name).exists():
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    stamp = ROOT / ".venv" / "run.stamp"
    if not stamp.exists():
        pytest.skip("the environment was not made by make: there is no .venv/run.stamp")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    stamp.touch()  # so that make does not install anew from the copy
    return tmp_path


def test_make_run_reaches_a_dashboard_and_stops_cleanly_and_goes_on(checkout):
    first = running(checkout)
    said = stopped(first)
    assert "password" in said
    assert "an address plan was proposed" in said
    password = (checkout / ".wardwatch" / "officer.password").read_text()
    assert "stopped; `make run` goes on from here" in said

    second = running(checkout)
    url = re.search(r"https://localhost:\d+", told(second))[0]
    page = subprocess.run(
        ["curl", "-sk", f"{url}/login"], capture_output=True, text=True, check=True
    )
    script = next(block for block in BLOCKS if "/api/v1/cases" in block)
    cases = subprocess.run(
        ["sh", "-c", script.replace("https://localhost:8443", url)],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    said = stopped(second)

    assert "Wardwatch" in page.stdout
    assert cases.stdout.startswith('{"cases":')
    assert (checkout / ".wardwatch" / "officer.password").read_text() == password
    assert password.strip() in said
    for sensor in ("network", "connections", "media"):
        assert re.search(rf"^\s+{sensor}\s+(ok|degraded|off)", said, re.MULTILINE), said


def running(checkout: Path):
    output = (checkout / "said").open("w")
    process = subprocess.Popen(
        ["make", "run"], cwd=checkout, stdout=output, stderr=output, start_new_session=True
    )
    output.close()
    process.checkout = checkout
    until(
        lambda: "Ctrl-C stops" in told(process) or process.poll() is not None,
        seconds=90,
        told="make run is ready",
    )
    assert process.poll() is None, told(process)
    return process


def told(process):
    return (process.checkout / "said").read_text()


def stopped(process):
    """Ctrl-C reaches the whole foreground group, as from a terminal."""
    os.killpg(process.pid, signal.SIGINT)
    process.wait(40)
    return told(process)
