"""On a real process: what is given back goes, comes back when wanted, and nothing breaks."""

import subprocess
import sys

_CHILD = """
import hashlib, re, sqlite3, ssl
from pathlib import Path
from agent.system.memory import settle

def of_files():
    return int(re.search(r"^RssFile:\\s+(\\d+)", Path("/proc/self/status").read_text(), re.M)[1])

def work():
    ssl.create_default_context()
    return hashlib.sha256(b"x").hexdigest(), sqlite3.connect(":memory:").execute("SELECT 1").fetchone()

first = work()
before = of_files()
settle()
after = of_files()
assert work() == first
print(before, after)
"""


def test_files_are_given_back_and_everything_works_on() -> None:
    run = subprocess.run(
        [sys.executable, "-c", _CHILD], capture_output=True, text=True, timeout=60, check=False
    )

    assert run.returncode == 0, run.stderr
    before, after = map(int, run.stdout.split())
    assert after < before / 2
