"""The Debian packages as `make deb` builds them, and a copy of this machine to install them in."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "deploy" / "debian" / "build"
TOOLS = ("dpkg-deb", "git", "unshare")


@dataclass(frozen=True)
class Packages:
    agent: Path
    collector: Path


def build_packages(folder: Path) -> Packages:
    """Both, built anew into `folder`; skips aloud where they cannot be."""
    build(folder)
    (agent,) = folder.glob("wardwatch-agent_*.deb")
    (collector,) = folder.glob("wardwatch-collector_*.deb")
    return Packages(agent=agent, collector=collector)


def build(folder: Path, *rooms: str) -> None:
    """Of these rooms, or of both; skips aloud where Debian's own Python is missing."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"no packages are built without {', '.join(missing)}")
    pip = Path(sys.executable).with_name("pip")
    done = subprocess.run(
        [BUILD, pip, folder, *rooms],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if done.returncode == 2:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr


class CopyOfThisMachine:
    """This machine's files with a layer over them, without network; nothing below changes.

    Each command runs in a mount namespace of its own, in which the layer lies over `/`.
    """

    _ENTER = (
        'mount -t overlay overlay -o "lowerdir=/,upperdir=$0/changed,workdir=$0/work" "$0/root" && '
        'mount --bind /dev "$0/root/dev" && mount -t proc proc "$0/root/proc" && '
        'mount -t tmpfs tmpfs "$0/root/run" && exec chroot "$0/root" "$@"'
    )

    def __init__(self, folder: Path) -> None:
        """`folder`: a file system that can be an upper layer, such as a tmpfs."""
        self._folder = folder
        for name in ("changed", "work", "root", "changed/packages"):
            (folder / name).mkdir()

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        enter = ["unshare", "--mount", "--net", "--pid", "--fork", "sh", "-c", self._ENTER]
        return subprocess.run(
            [*enter, str(self._folder), *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"},
        )

    def bring(self, packages: Sequence[Path]) -> list[str]:
        """Their paths inside."""
        for package in packages:
            shutil.copy(package, self._folder / "changed" / "packages")
        return [f"/packages/{package.name}" for package in packages]

    def changed(self) -> set[str]:
        """Files below the root that were made or written, without those that are dpkg's own."""
        layer = self._folder / "changed"
        found = {
            "/" + str((Path(folder) / name).relative_to(layer))
            for folder, _, names in os.walk(layer)
            for name in names
        }
        own = ("/var/lib/dpkg/", "/var/log/", "/var/cache/", "/packages/")
        return {path for path in found if not path.startswith(own)}
