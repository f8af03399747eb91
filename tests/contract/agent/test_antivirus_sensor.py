"""The protection sensor with a real clamd that is killed and comes back.

It runs under a name of its own: other tests have a clamd, too.
"""

import os
import select
import shutil
import subprocess
import time

import pytest

from agent.protection import LogPlaces
from agent.sensors.antivirus import AntivirusSensor
from checks.facts.antivirus import AntivirusState, Product
from checks.policy import Endpoint, PolicyDocument, parse_policy
from tests.clamd import make_clamd

FIVE_DAYS_S = 5 * 86_400
POLICY = """
[[antivirus.known]]
product = "ClamAV"
programs = ["ward-clamd"]
guards = ["ward-guard"]
places = ["{places}"]
settings = "clamd"

[thresholds]
protection_patience = "1s"
"""


class Watched:
    """A sensor, and everything that it told; `until` selects as the agent's loop does."""

    def __init__(self, policy):
        self.sensor = AntivirusSensor(LogPlaces())
        document = PolicyDocument(issued_at_us=0, policy=policy, endpoint=Endpoint(id="e"))
        self.descriptors = self.sensor.start(document)
        self.told = list(self.sensor.heal())

    def until(self, wanted, patience=20.0):
        end = time.monotonic() + patience
        while not wanted(self.ours()):
            assert time.monotonic() < end, self.told
            due = self.sensor.deadline() or end
            wait = max(0.0, min(due, end) - time.monotonic())
            select.select(self.descriptors, [], [], wait)
            self.told += self.sensor.wake()

    def ours(self):
        products = self.told[-1].products
        return next((each for each in products if each.product == "ClamAV"), None)


@pytest.fixture
def guard(tmp_path):
    """A program of our own that runs under the name of the guard."""
    program = tmp_path / "ward-guard"
    shutil.copy(shutil.which("sleep"), program)
    with subprocess.Popen([program, "60"]) as running:
        yield running
        running.kill()


@pytest.fixture
def watched(tmp_path):
    made = []

    def start(places):
        made.append(Watched(parse_policy(POLICY.format(places=places))))
        return made[-1]

    yield start
    for each in made:
        each.sensor.stop()


@pytest.fixture
def clamd(tmp_path):
    if os.geteuid():
        pytest.skip("needs root: programs of other people protect nothing")
    running = make_clamd(tmp_path, signed_at=int(time.time()) - FIVE_DAYS_S)
    running.program = str(shutil.copy(shutil.which("clamd"), tmp_path / "ward-clamd"))
    running.start()
    yield running
    running.kill()


def test_a_clamd_that_is_killed_is_told_within_seconds_and_so_is_its_return(
    clamd, guard, watched, tmp_path
):
    watch = watched(tmp_path)
    made_us = clamd.signatures_at_us
    seen_us = watch.ours().signatures_seen_us
    assert abs(time.time_ns() // 1000 - seen_us) < 10 * 10**6
    assert watch.ours() == Product(
        product="ClamAV",
        running=True,
        guarding=True,
        signatures_at_us=made_us,
        signatures_seen_us=seen_us,
    )

    killed_at = time.monotonic()
    clamd.kill()
    watch.until(lambda seen: not seen.running, patience=5.0)
    assert time.monotonic() - killed_at < 3.0
    clamd.start()
    watch.until(lambda seen: seen.running and seen.guarding)

    assert len(watch.told) == 3


def test_a_guard_that_ends_leaves_the_scanner_without_real_time_protection(
    clamd, guard, watched, tmp_path
):
    watch = watched(tmp_path)

    guard.kill()

    watch.until(lambda seen: seen.running and not seen.guarding, patience=5.0)


def test_a_restart_within_the_patience_is_not_told(clamd, guard, watched, tmp_path):
    watch = watched(tmp_path)

    clamd.kill()
    assert list(watch.sensor.wake()) == []
    clamd.start()
    settles_at = watch.sensor.deadline()
    while watch.sensor.deadline() == settles_at:
        select.select([], [], [], max(0.0, settles_at - time.monotonic()))
        watch.told += watch.sensor.wake()

    assert len(watch.told) == 1


def test_new_signatures_are_told_as_they_arrive(clamd, guard, watched, tmp_path):
    watch = watched(tmp_path)
    container = tmp_path / "db/daily.cud"
    old, new = str(clamd.signatures_at_us // 10**6), str(int(time.time()) - 60)
    fresh = tmp_path / "fresh"
    fresh.write_bytes(container.read_bytes().replace(old.encode(), new.encode()))

    fresh.rename(container)

    watch.until(lambda seen: seen.signatures_at_us == int(new) * 10**6, patience=5.0)


def test_what_is_installed_and_does_not_run_is_told(watched, tmp_path):
    (tmp_path / "installed").touch()

    watch = watched(tmp_path / "inst*")

    assert isinstance(watch.told[0], AntivirusState)
    assert watch.ours().product == "ClamAV"
