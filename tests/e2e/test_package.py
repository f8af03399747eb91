"""The Debian packages: what is in them, what they leave, and that they run where they lie."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.packages import BUILD, ROOT, CopyOfThisMachine, Packages, build, build_packages

PLACES = {
    "wardwatch-agent": (
        "etc/wardwatch/agent.toml",
        "lib/systemd/system/wardwatch-agent.service",
        "lib/systemd/system/wardwatch-station.service",
        "usr/bin/wardwatch-agent",
        "usr/lib/wardwatch-agent/",
        "usr/share/doc/wardwatch-agent/",
        "usr/share/wardwatch-agent/wardwatch-station.desktop",
    ),
    "wardwatch-collector": (
        "etc/wardwatch/collector.toml",
        "etc/wardwatch/policy.toml",
        "lib/systemd/system/wardwatch-collector.service",
        "usr/bin/wardwatch-collector",
        "usr/lib/wardwatch-collector/",
        "usr/share/doc/wardwatch-collector/",
    ),
}
NEVER_THE_AGENTS = ("collector", "sqlalchemy", "starlette", "uvicorn", "cryptography", "jinja2")


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> Packages:
    return build_packages(tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="module")
def unpacked(packages, tmp_path_factory) -> dict[str, Path]:
    roots = {}
    for package in (packages.agent, packages.collector):
        root = tmp_path_factory.mktemp("unpacked")
        subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
        roots[package.name.partition("_")[0]] = root
    return roots


@pytest.fixture
def machine(tmp_path) -> Iterator[CopyOfThisMachine]:
    if os.geteuid() != 0:
        pytest.skip("not root: packages are installed by root only")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path], check=True)
    try:
        copy = CopyOfThisMachine(tmp_path)
        entered = copy.run("true")
        if entered.returncode != 0:
            pytest.skip(f"no overlay over this machine's files: {entered.stderr.strip()}")
        yield copy
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def files(root: Path) -> list[str]:
    return sorted(
        str(path.relative_to(root))
        for path in root.rglob("*")
        if path.is_symlink() or not path.is_dir()
    )


@pytest.mark.parametrize("name", PLACES)
def test_files_lie_only_where_they_belong(unpacked, name):
    found = files(unpacked[name])

    assert [path for path in found if not path.startswith(PLACES[name])] == []
    assert [place for place in PLACES[name] if not any(p.startswith(place) for p in found)] == []


def test_the_agent_brings_nothing_of_the_collector(unpacked):
    (site,) = unpacked["wardwatch-agent"].glob(
        "usr/lib/wardwatch-agent/lib/python3.*/site-packages"
    )
    brought = {path.name.partition("-")[0].lower() for path in site.iterdir()}

    assert {"agent", "checks", "msgspec"} <= brought
    assert brought.isdisjoint(NEVER_THE_AGENTS)


@pytest.mark.parametrize("name", PLACES)
def test_no_path_of_the_building_machine_is_in_it(unpacked, name):
    # The checkout, and the folder that the build works in.  Compiled wheels name the folders
    # of those who built them; those are not ours.
    # Only as a whole path: a short one may stand inside an address of somebody's documentation.
    checkout = re.escape(str(ROOT).encode())
    ours = rb"(?<![\w./-])(?:" + checkout + rb"(?![\w-])|/tmp/tmp\.)"
    telling = [
        path
        for path in files(unpacked[name])
        if not (unpacked[name] / path).is_symlink()
        and re.search(ours, (unpacked[name] / path).read_bytes())
    ]

    assert telling == []


@pytest.mark.parametrize("name", PLACES)
def test_every_source_has_its_compiled_twin(unpacked, name):
    sources = [path for path in files(unpacked[name]) if path.endswith(".py")]
    bare = [
        source
        for source in map(Path, sources)
        if not list(
            (unpacked[name] / source.parent / "__pycache__").glob(f"{source.stem}.cpython-*")
        )
    ]

    assert len(sources) > 100
    assert bare == []


def test_the_same_commit_gives_the_same_bytes(packages, tmp_path):
    build(tmp_path, "agent")
    (again,) = tmp_path.glob("*.deb")

    assert again.name == packages.agent.name
    assert again.read_bytes() == packages.agent.read_bytes()


@pytest.mark.parametrize("name", PLACES)
def test_the_command_runs_from_wherever_it_was_unpacked(unpacked, name):
    room = name.removeprefix("wardwatch-")
    command = unpacked[name] / "usr" / "bin" / name
    settings = unpacked[name] / "etc" / "wardwatch" / f"{room}.toml"

    told = [
        subprocess.run(
            [command, *words], cwd="/", capture_output=True, text=True, timeout=60, check=False
        )
        for words in (["--version"], ["check-config", "--config", settings])
    ]

    assert [done.returncode for done in told] == [0, 0], told
    assert told[0].stdout.strip() == "0.1.0"
    assert "fine; state in /var/lib/" + name in told[1].stdout


def test_install_remove_and_purge_leave_what_they_promise(packages, machine):
    names = ["wardwatch-agent", "wardwatch-collector"]
    debs = machine.bring([packages.agent, packages.collector])
    script = "dpkg --force-depends --install " + " ".join(debs)
    installed = machine.run("sh", "-c", script)
    assert installed.returncode == 0, installed.stderr
    assert "This machine is not enrolled: run 'wardwatch-agent enrol" in installed.stdout
    assert "run 'wardwatch-collector init" in installed.stdout
    initialised = machine.run("wardwatch-collector", "init", "--host", "localhost")
    assert initialised.returncode == 0, initialised.stderr
    assert "/usr/bin/wardwatch-agent" in machine.changed()
    assert machine.run("getent", "passwd", "wardwatch").returncode == 0
    assert machine.run("dpkg", "--verify", *names).stdout == ""

    removed = machine.run("dpkg", "--remove", *names)
    assert removed.returncode == 0, removed.stderr
    after_removal = {path for path in machine.changed() if "wardwatch" in path}
    purged = machine.run("dpkg", "--purge", *names)
    assert purged.returncode == 0, purged.stderr
    after_purge = {path for path in machine.changed() if "wardwatch" in path}

    kept = ("/etc/", "/var/lib/wardwatch-", "/var/lib/systemd/deb-systemd-helper-enabled/")
    assert {path for path in after_removal if not path.startswith(kept)} == set()
    assert "/var/lib/wardwatch-collector/journal.sqlite3" in after_removal
    assert after_purge == set()
    assert machine.run("getent", "passwd", "wardwatch").returncode != 0


def test_where_python_is_not_debians_the_build_says_so(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "dpkg-query").write_text("#!/bin/sh\nexit 1\n")
    (tools / "dpkg-query").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}

    done = subprocess.run(
        [BUILD, "pip", tmp_path], cwd=ROOT, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "is not Debian's own python3" in done.stderr
    assert list(tmp_path.glob("*.deb")) == []
