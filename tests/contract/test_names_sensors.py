"""Names, proxies and remote tools against the real kernel: packets, sockets and processes in
network namespaces of the test's own.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from checks.facts.base import Process
from checks.facts.names import CanaryAnswered, NameServerUsed, ResolverState
from checks.facts.proxies import ProxyState
from checks.facts.remote_tools import RemoteToolState
from tests.contract.test_network_sensors import Probe
from tests.netns import OUTSIDE, POLICY, SERVER, SILENT, WORKSTATION, Hospital, hospital, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "namespaces work")

OWN = f"""
[names]
canary = "canary.example"
doh = ["{OUTSIDE}/32"]
"""
NAME_SERVER = """
import socket, sys
ends = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ends.bind((sys.argv[1], 53))
listeners = [socket.create_server((sys.argv[1], port)) for port in (443, 853, 8080)]
print("up", flush=True)
while True:
    asked, client = ends.recvfrom(2048)
    record = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4" + bytes((8, 8, 8, 8))
    ends.sendto(asked[:2] + b"\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0" + asked[12:] + record, client)
"""
ASK = """
import socket, sys
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(1)
asking.connect((sys.argv[1], 53))
name = b"".join(bytes([len(l)]) + l.encode() for l in sys.argv[2].split(".")) + b"\\0"
asking.send(b"\\1\\2\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + name + b"\\0\\1\\0\\1")
try:
    asking.recv(999)
except TimeoutError:
    pass
"""
CONNECT = """
import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3).close()
"""
RELAY = """
import socket, sys
served = socket.create_server((sys.argv[1], 3128))
print("up", flush=True)
client, _ = served.accept()
onward = socket.create_connection((sys.argv[2], 8080))
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def ward() -> Iterator[Hospital]:
    with (
        hospital() as built,
        serving(built, built.outside, OUTSIDE),
        serving(built, built.router, SERVER),
    ):
        yield built


@contextmanager
def serving(built: Hospital, namespace: str, address: str) -> Iterator[None]:
    with built.start(
        namespace, sys.executable, "-c", NAME_SERVER, address, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "up\n"
        yield
        server.kill()


@contextmanager
def watching(ward: Hospital, root: Path) -> Iterator[Probe]:
    (root / "etc").mkdir(exist_ok=True)
    policy = root / "policy.toml"
    policy.write_text(OWN + POLICY)
    with ward.start(
        ward.workstation, sys.executable, "-m", "tests.names_probe", str(policy), str(root),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        yield Probe(process)
        process.kill()


def run(ward: Hospital, script: str, *arguments: str) -> None:
    ward.run(ward.workstation, sys.executable, "-c", script, *arguments)


def used(probe: Probe, server: str, transport: str) -> NameServerUsed:
    fact = probe.until(
        lambda f: isinstance(f, NameServerUsed) and (f.server, f.transport) == (server, transport)
    )
    assert isinstance(fact, NameServerUsed)
    return fact


def test_questions_to_foreign_servers_are_told_with_their_process(ward, tmp_path):
    with watching(ward, tmp_path) as probe:
        run(ward, ASK, SERVER, "secret.inside.example")
        run(ward, ASK, OUTSIDE, "secret.outside.example")
        run(ward, CONNECT, OUTSIDE, "853")
        run(ward, CONNECT, OUTSIDE, "443")
        run(ward, ASK, SILENT, "secret.silent.example")

        plain = used(probe, OUTSIDE, "dns")
        over_tls, over_https = used(probe, OUTSIDE, "dot"), used(probe, OUTSIDE, "doh")
        silent = used(probe, SILENT, "dns")

    assert [f.answered for f in (plain, over_tls, over_https, silent)] == [True, True, True, False]
    assert isinstance(plain.process, Process)
    assert Path(plain.process.executable).name.startswith("python")
    assert {f.server for f in probe.seen if isinstance(f, NameServerUsed)} == {OUTSIDE, SILENT}
    assert "secret" not in json.dumps([repr(fact) for fact in probe.seen])


def test_a_public_answer_for_the_canary_is_told_whoever_gave_it(ward, tmp_path):
    with watching(ward, tmp_path) as probe:
        run(ward, ASK, SERVER, "canary.example")

        told = probe.until(lambda f: isinstance(f, CanaryAnswered))

    assert isinstance(told, CanaryAnswered)
    assert (told.name, told.server, told.addresses) == ("canary.example", SERVER, ("8.8.8.8",))


def test_a_changed_resolver_is_told_at_once(ward, tmp_path):
    with watching(ward, tmp_path) as probe:
        before = probe.until(lambda f: isinstance(f, ResolverState))
        fresh = tmp_path / "etc/resolv.conf.new"
        fresh.write_text("nameserver 192.0.2.53\n")
        fresh.rename(tmp_path / "etc/resolv.conf")

        after = probe.until(lambda f: isinstance(f, ResolverState) and bool(f.resolvers))

    assert isinstance(before, ResolverState)
    assert isinstance(after, ResolverState)
    assert before.resolvers == ()
    assert [r.address for r in after.resolvers] == ["192.0.2.53"]


def test_a_proxy_of_a_program_is_told_and_that_it_is_in_use(ward, tmp_path):
    proxy = {"http_proxy": f"http://alice:secret@{OUTSIDE}:8080"}
    with watching(ward, tmp_path) as probe, ward.start(
        ward.workstation, sys.executable, "-c", "import sys; sys.stdin.read()",
        stdin=subprocess.PIPE, env={**os.environ, **proxy},
    ) as program:  # fmt: skip
        run(ward, CONNECT, OUTSIDE, "8080")
        told = probe.until(lambda f: isinstance(f, ProxyState) and any(p.in_use for p in f.proxies))
        program.kill()

    assert isinstance(told, ProxyState)
    assert [(p.address, p.port, p.how) for p in told.proxies] == [(OUTSIDE, 8080, "environment")]
    assert "secret" not in repr(probe.seen)


def test_a_program_that_relays_is_told_by_what_it_does(ward, tmp_path):
    with (
        watching(ward, tmp_path) as probe,
        ward.start(
            ward.workstation, sys.executable, "-c", RELAY, WORKSTATION, OUTSIDE,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as relay,
    ):  # fmt: skip
        assert relay.stdout is not None
        assert relay.stdout.readline() == "up\n"
        stay = "import socket, sys; s = socket.create_connection((sys.argv[1], 3128)); sys.stdin.read()"
        with ward.start(
            ward.router, sys.executable, "-c", stay, WORKSTATION, stdin=subprocess.PIPE
        ) as client:
            told = probe.until(lambda f: isinstance(f, ProxyState) and bool(f.relays))
            client.kill()
        relay.kill()

    assert isinstance(told, ProxyState)
    [found] = told.relays
    assert (found.port, found.onward) == (3128, f"{OUTSIDE}:8080")


def test_a_tunnel_program_is_told_when_it_starts_and_when_it_ends(ward, tmp_path):
    sleep = shutil.which("sleep")
    assert sleep
    tunnel = tmp_path / "frpc"
    shutil.copy(sleep, tunnel)

    def ours(fact: object) -> list[str]:
        tools = fact.tools if isinstance(fact, RemoteToolState) else ()
        return [tool.tool for tool in tools if tool.process.executable == str(tunnel)]

    with watching(ward, tmp_path) as probe:
        with subprocess.Popen([str(tunnel), "60"]) as program:
            probe.until(lambda f: ours(f) == ["frp"])
            program.kill()
        probe.seen.clear()
        probe.until(lambda f: isinstance(f, RemoteToolState) and not ours(f))
