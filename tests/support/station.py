"""`wardwatch-agent station` as a process, and what its page is told."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[2]


class Station:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        self.process = process
        self.url = process.stdout.readline().strip().rstrip("/")

    def page(self) -> Any:
        """What a page that is opened now is told first."""
        with requests.get(f"{self.url}/live", stream=True, timeout=20) as live:
            line = next(
                line for line in live.iter_lines(chunk_size=1) if line.startswith(b"data: ")
            )
        return json.loads(line.removeprefix(b"data: "))

    def medium(self, key: str) -> Any:
        return next((one for one in self.page()["media"] if one["key"] == key), None)

    def copy(self, source: str, target: str, **headers: str) -> int:
        return requests.post(
            f"{self.url}/copy",
            json={"source": source, "target": target},
            headers={"Origin": self.url, **headers},
            timeout=20,
        ).status_code


@contextlib.contextmanager
def station(state: Path, environment: Mapping[str, str] | None = None) -> Iterator[Station]:
    command = [sys.executable, "-m", "agent", "station", "--port", "0", "--state-dir", str(state)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Station(process)
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
