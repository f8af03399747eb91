"""An agent as the collector sees one: seals and signs batches of made-up observations."""

import base64
import ssl
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from backports import zstd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from checks.wire import (
    BATCH_DOMAIN,
    PROTOCOL,
    REQUEST_DOMAIN,
    Batch,
    EnrolRequest,
    Observation,
    digest,
    encode,
)
from tests.samples import NOW_US, connection

BOOT = "6f0b0a36-0000-4000-8000-000000000001"


def observations(first: int, count: int) -> tuple[Observation, ...]:
    return tuple(
        Observation(
            sequence=sequence,
            at_us=NOW_US + sequence,
            boot=BOOT,
            monotonic_us=sequence,
            sensor="connections",
            fact=connection(source_port=1024 + sequence % 60_000),
        )
        for sequence in range(first, first + count)
    )


@dataclass
class Sender:
    """Keeps the chain; `seal` does not advance it, `took` does."""

    agent: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    machine: str = "machine-a"
    last: int = 0
    previous: str = ""

    def batch(self, count: int) -> Batch:
        return Batch(
            protocol=PROTOCOL,
            agent=self.agent,
            machine=self.machine,
            first=self.last + 1,
            last=self.last + count,
            previous=self.previous,
            sent_at_us=NOW_US,
            observations=observations(self.last + 1, count),
        )

    def seal(self, count: int) -> bytes:
        return zstd.compress(encode(self.batch(count)), 1)

    def took(self, body: bytes, count: int) -> None:
        self.last += count
        self.previous = digest(body)

    def headers(self, body: bytes, *, encoding: str = "zstd") -> dict[str, str]:
        return {
            "Wardwatch-Agent": self.agent,
            "Wardwatch-Signature": self._signed(BATCH_DOMAIN + body),
            "Content-Encoding": encoding,
            "Content-Type": "application/json",
        }

    def request_headers(self, path: str, date_us: int) -> dict[str, str]:
        return {
            "Wardwatch-Agent": self.agent,
            "Wardwatch-Date": str(date_us),
            "Wardwatch-Signature": self._signed(
                REQUEST_DOMAIN + f"GET\n{path}\n{date_us}".encode()
            ),
        }

    def _signed(self, message: bytes) -> str:
        return base64.b64encode(self.key.sign(message)).decode()


@dataclass
class RealCollector:
    """A collector of its own: real commands, real process, loopback."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def config(self) -> Path:
        return self.folder / "collector.toml"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def initialise(self) -> None:
        self.config.write_text(
            f'state_dir = "{self.state}"\n[listen]\nhost = "127.0.0.1"\nport = {self.port}\n'
        )
        self.command("init", "--host", "localhost", "--host", "127.0.0.1")

    def command(self, *words: str, expect: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "collector", *words, "--config", str(self.config)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, done.stderr + done.stdout
        return done.stdout + done.stderr

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "collector", "serve", "--config", str(self.config)],
                stdout=log,
                stderr=log,
            )

    def wait(self, client: httpx.Client) -> None:
        for _ in range(400):
            try:
                if client.get("/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            assert self.process is not None
            try:
                self.process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(self.log())
        raise AssertionError(self.log())

    def client(self) -> httpx.Client:
        context = ssl.create_default_context(cafile=str(self.state / "keys" / "ca.pem"))
        return httpx.Client(base_url=self.url, verify=context, trust_env=False, timeout=10)

    def enrol(self, client: httpx.Client, host: str) -> Sender:
        token = self.command("enrol-token", "create").split()[-1]
        sender = Sender(agent="")
        request = EnrolRequest(
            token=token,
            public_key=sender.key.public_key().public_bytes_raw().hex(),
            host=host,
            machine=sender.machine,
        )
        answer = client.post("/agent/v1/enrol", content=encode(request))
        assert answer.status_code == 200, answer.text
        sender.agent = answer.json()["agent"]
        return sender

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(20)
