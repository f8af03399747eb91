"""What /proc says of who works, against work of our own and of a process of ours."""

import subprocess
import sys
import threading
import time

from agent.system.pace import usage

WORK = "while True: pass"
SECONDS = 1.0


def test_work_of_the_engine_and_of_us_is_the_scan_s_and_that_of_others_is_not():
    with subprocess.Popen([sys.executable, "-c", WORK]) as busy:
        try:
            others_before, engine_before = usage(0), usage(busy.pid)
            threading.Event().wait(SECONDS)
            others, engine = usage(0), usage(busy.pid)
        finally:
            busy.kill()

    worked = engine.all - engine_before.all
    assert worked > 0.2 * SECONDS
    assert engine.scanning - engine_before.scanning > 0.2 * SECONDS
    assert others.scanning - others_before.scanning < 0.1 * SECONDS


def test_our_own_work_counts_as_the_scan_s():
    before = usage(0)
    ends = time.monotonic() + 0.3
    while time.monotonic() < ends:
        pass
    after = usage(0)

    assert after.scanning - before.scanning > 0.05
    assert after.all - before.all > 0.05
