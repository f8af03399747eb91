"""Who reached outside, when it lived 20 ms: `attribution.short_lived`.

Attributed is a process of which all is told: pid, executable, its SHA-256, command line,
user and the account that logged in (where the kernel keeps that).
"""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import msgspec

from checks.facts.base import Process
from checks.facts.connections import ConnectionSeen
from tests import netns
from tests.bench.figures import Figure, percentile
from tests.bench.short_lives import Lived
from tests.support.live import Place
from tests.support.peers import echo_servers

PROCESSES, PROCESSES_SMALL = 1000, 90
KINDS = ("program", "shell", "fork")


def measure(*, small: bool) -> list[Figure]:
    return _told(*played(PROCESSES_SMALL if small else PROCESSES))


def played(number: int) -> tuple[list[Lived], dict[int, Process]]:
    """What lived, and the processes that facts name, by pid."""
    with netns.hospital() as built, ExitStack() as opened:
        places = Place(built.outside), Place(built.router)
        for place in places:
            opened.callback(place.close)
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        opened.enter_context(echo_servers(*places))
        (folder / "policy.toml").write_text(netns.POLICY)
        with _sensor(built, folder / "policy.toml", folder / "facts") as facts:
            lives = _lives(built, number)
        return lives, facts


def _lives(built: netns.Hospital, number: int) -> list[Lived]:
    words = (sys.executable, "-m", "tests.bench.short_lives", str(number), netns.OUTSIDE, "80")
    done = subprocess.run(
        built.inside(built.workstation, *words), capture_output=True, check=True, timeout=300
    )
    return [msgspec.json.decode(line, type=Lived) for line in done.stdout.splitlines()]


@contextmanager
def _sensor(built: netns.Hospital, policy: Path, into: Path) -> Iterator[dict[int, Process]]:
    """The processes that facts name, by pid; filled at the end."""
    words = (sys.executable, "-m", "tests.sensor_probe", str(policy))
    named: dict[int, Process] = {}
    with into.open("wb") as output, subprocess.Popen(
        built.inside(built.workstation, *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as probe:  # fmt: skip
        assert probe.stdout is not None
        assert probe.stdin is not None
        output.write(probe.stdout.readline())  # it is ready
        collected = subprocess.Popen(["cat"], stdin=probe.stdout, stdout=output)
        yield named
        probe.stdin.close()
        probe.wait()
        collected.wait()
    for line in into.read_bytes().splitlines():
        if b'"kind":"connection"' in line:
            fact = msgspec.json.decode(
                msgspec.json.decode(line, type=_Line).fact, type=ConnectionSeen
            )
            if isinstance(fact.process, Process):
                named[fact.process.pid] = fact.process


class _Line(msgspec.Struct):
    fact: msgspec.Raw


def _told(lives: list[Lived], named: dict[int, Process]) -> list[Figure]:
    lasted = [lived.seconds * 1000 for lived in lives]
    load = (
        f"25 a second, executed, shell and fork by turns; "
        f"p50 {percentile(lasted, 0.5):.0f} ms, p99 {percentile(lasted, 0.99):.0f} ms of life"
    )
    shares = {
        kind: [is_right(each, named) for each in lives if each.kind == kind] for kind in KINDS
    }
    everything = [right for rights in shares.values() for right in rights]
    rows = [("attribution.short_lived", everything)]
    rows += [(f"attribution.short_lived.{kind}", rights) for kind, rights in shares.items()]
    return [
        Figure(name=name, value=sum(rights) / len(rights), unit="share", n=len(rights), load=load)
        for name, rights in rows
    ]


def is_right(lived: Lived, named: dict[int, Process]) -> bool:
    """Whether all of a process is told, and nothing that is secret."""
    told = named.get(lived.pid)
    return (
        told is not None
        and told.executable == lived.executable
        and told.sha256 == _sha256(lived.executable)
        and lived.command in told.command
        and "geheim" not in told.command
        and told.user == "root"
        and told.login == lived.login
    )


@cache
def _sha256(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
