"""The real collector and the real agent as processes, for end-to-end tests and figures."""

import ctypes
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import requests

from checks.check import discover

ROOT = Path(__file__).parents[2]
CLONE_NEWNET = 0x40000000
PASSWORD = "lantern-gravel-77-orbit"
WITHOUT_OTHERS = "".join(
    f"\n[rules.{rule}]\nenabled = false\n"
    for rule in sorted(discover())
    if rule.startswith(("MED-", "AV-")) or rule in ("EXT-07", "EXT-08")
)
"""Added to the policy of tests of the network: this machine's own mounts, its anti-virus, and the
proxies and remote tools of whoever works on it, which no network namespace hides, shall not disturb
them."""
Anything = TypeVar("Anything")


class NotInTime(AssertionError):
    """What was waited for did not come; the message holds what was there instead."""


class Place:
    """A network namespace that this process can act in (the root one without a name).

    `call` runs a function on a thread that lives there: sockets it opens, and threads it
    starts, stay there.
    """

    def __init__(self, namespace: str = "") -> None:
        self.namespace = namespace
        self._threads = ThreadPoolExecutor(1, initializer=self._enter)

    def _enter(self) -> None:
        if not self.namespace:
            return
        descriptor = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {self.namespace}")
        os.close(descriptor)

    def call(self, function: Callable[..., Anything], *args: Any, **named: Any) -> Anything:
        return self._threads.submit(function, *args, **named).result()

    def command(self, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self.namespace, *words] if self.namespace else list(words)

    def close(self) -> None:
        self._threads.shutdown()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(
    what: Callable[[], Anything],
    *,
    seconds: float = 20.0,
    every: float = 0.05,
    told: str | Callable[[], str] = "",
) -> Anything:
    """The first true answer.  Raises NotInTime with the last one and what `told` says then."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > end:
            awaited = told() if callable(told) else told
            raise NotInTime(f"{awaited or what}: still {answer!r} after {seconds} s")
        _wait(every)


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)


class Collector:
    """`wardwatch-collector` in a folder of its own, with an officer and an API token.

    It listens at `host`; `other_names` lead there too, and stand in its certificate.
    """

    def __init__(
        self,
        folder: Path,
        *,
        policy: str,
        host: str = "127.0.0.1",
        other_names: Sequence[str] = (),
        place: Place | None = None,
        settings: str = "",
    ) -> None:
        self.folder = folder
        self.host = host
        self.place = place or Place()
        self.port = self.place.call(free_port)
        self.url = f"https://{host}:{self.port}"
        self.config = folder / "collector.toml"
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(
            f'state_dir = "{folder}/state"\nbase_url = "{self.url}"\n'
            + ("" if settings.startswith("[") else settings)
            + f'\n[listen]\nhost = "{host}"\nport = {self.port}\n'
            + f'\n[supervision]\nallow = ["127.0.0.0/8", "{host}/32"]\n'
            + (settings if settings.startswith("[") else "")
        )
        (folder / "policy.toml").write_text(policy)
        (folder / "password").write_text(PASSWORD + "\n")
        names = [word for name in (*other_names, host) for word in ("--host", name)]
        self.run("init", *names, "--policy", str(folder / "policy.toml"))
        self.run("user", "add", "officer", "--role", "officer",
                 "--password-file", str(folder / "password"))  # fmt: skip
        self.token = self.run("token", "create", "test", "--role", "officer").split()[-1]
        self.ca = folder / "state" / "keys" / "ca.pem"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {self.token}"
        self.session.verify = str(self.ca)

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "collector", *words, "--config", str(self.config)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=ROOT,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self) -> "Collector":
        """Returns when it is ready."""
        self.begin()
        try:
            until(self.ready, seconds=60, told="the collector is ready")
        except BaseException:
            self.end(signal.SIGKILL)
            raise
        return self

    def begin(self) -> None:
        """Starts it and does not wait."""
        command = (sys.executable, "-m", "collector", "serve", "--config", str(self.config))
        self.process = _spawn(self.place.command(*command), self.folder / "collector.log")

    def ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"the collector ended: {self.said()[-2000:]}")
        try:
            return self.get("/readyz").status_code == 200
        except requests.RequestException:
            return False

    def get(self, path: str, **params: object) -> requests.Response:
        return self.place.call(
            self.session.get, self.url + path, params=params, timeout=20, allow_redirects=False
        )

    def post(self, path: str, body: Mapping[str, object]) -> requests.Response:
        return self.place.call(self.session.post, self.url + path, json=body, timeout=20)

    def cases(self, **filters: object) -> list[dict[str, Any]]:
        """Every case that fits, over all pages."""
        found: list[dict[str, Any]] = []
        cursor: dict[str, object] = {}
        while True:
            answer = self.get("/api/v1/cases", **filters, **cursor)
            answer.raise_for_status()
            page = answer.json()
            found += page["cases"]
            if not page.get("next"):
                return found
            cursor = {"cursor": page["next"]}

    def rules(self) -> list[str]:
        return sorted(case["rule"] for case in self.cases())

    def case(self, rule: str, *, seconds: float = 20.0, **wanted: object) -> dict[str, Any]:
        """The first case of this rule, whole, as soon as it is there."""
        found = until(
            lambda: self.cases(rule=rule, **wanted),
            seconds=seconds,
            told=lambda: f"a case {rule} (there are {self.rules()})",
        )
        return self.whole(found[0]["id"])

    def whole(self, case: str) -> dict[str, Any]:
        answer = self.get(f"/api/v1/cases/{case}")
        answer.raise_for_status()
        return dict(answer.json())

    def enrol_token(self, *words: str) -> Path:
        file = self.folder / f"enrol-{secrets.token_hex(4)}.token"
        file.write_text(self.run("enrol-token", "create", *words).split()[-1] + "\n")
        return file

    def said(self) -> str:
        return (self.folder / "collector.log").read_text("utf-8", errors="replace")

    def end(self, how: int = signal.SIGTERM, *, seconds: float = 20) -> int:
        return _end(self.process, how, seconds)


class Agent:
    """`wardwatch-agent run`, enrolled at a collector."""

    module: Sequence[str] = ("agent", "run")

    def __init__(
        self,
        folder: Path,
        collector: Collector,
        *,
        place: Place | None = None,
        environment: Mapping[str, str] | None = None,
        wrapper: Sequence[str] = (),
        enrol_words: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.collector = collector
        self.place = place or Place()
        self.wrapper = tuple(wrapper)
        folder.mkdir(parents=True, exist_ok=True)
        self.environment = {
            **os.environ,
            "WARDWATCH_STATE_DIR": str(folder / "state"),
            **(environment or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None
        token = collector.enrol_token(*enrol_words)
        self.run("enrol", "--collector", collector.url, "--token-file", str(token))

    def run(self, *words: str) -> str:
        done = subprocess.run(
            self.place.command(sys.executable, "-m", "agent", *words),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=ROOT,
            env=self.environment,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self) -> "Agent":
        command = (*self.wrapper, sys.executable, "-m", *self.module)
        self.process = _spawn(
            self.place.command(*command), self.folder / "agent.log", self.environment
        )
        return self

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.run("status", "--json")))

    def watching(self, *sensors: str, seconds: float = 30) -> "Agent":
        """Waits until the collector has heard that these sensors work."""

        def working() -> bool:
            answer = self.collector.get("/api/v1/observations", kind="agent_health", limit=200)
            answer.raise_for_status()
            well = [
                sensor["name"]
                for seen in answer.json()["observations"]
                for sensor in seen["fact"]["sensors"]
                if sensor["state"] in ("ok", "degraded")
            ]
            return set(sensors) <= set(well)

        until(working, seconds=seconds, told=f"the agent watches {sensors}: {self.said()[-1500:]}")
        return self

    def said(self) -> str:
        return (self.folder / "agent.log").read_text("utf-8", errors="replace")

    @property
    def pid(self) -> int:
        """Of the agent itself, also behind `ip netns exec` (which it replaces)."""
        assert self.process is not None
        return self.process.pid

    def end(self, how: int = signal.SIGTERM, *, seconds: float = 20) -> int:
        return _end(self.process, how, seconds)


def _spawn(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    with log.open("ab") as opened:
        return subprocess.Popen(command, cwd=ROOT, stdout=opened, stderr=opened, env=environment)


def _end(process: "subprocess.Popen[bytes] | None", how: int, seconds: float) -> int:
    if process is None:
        return 0
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    return process.returncode


@contextmanager
def running(
    folder: Path,
    *,
    policy: str,
    host: str = "127.0.0.1",
    collector_place: Place | None = None,
    agent_place: Place | None = None,
    settings: str = "",
    environment: Mapping[str, str] | None = None,
    wrapper: Sequence[str] = (),
    enrol_words: Sequence[str] = (),
) -> Iterator[tuple[Collector, Agent]]:
    """A collector and an enrolled agent that watches; both ended afterwards."""
    collector = Collector(
        folder / "collector", policy=policy, host=host, place=collector_place, settings=settings
    ).start()
    try:
        agent = Agent(
            folder / "agent",
            collector,
            place=agent_place,
            environment=environment,
            wrapper=wrapper,
            enrol_words=enrol_words,
        ).start()
        try:
            yield collector, agent
        finally:
            agent.end()
    finally:
        collector.end()
