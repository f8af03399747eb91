"""Real block devices with real file systems: images behind loop devices."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

MIB = 1 << 20


class LoopDevice:
    """An image attached to /dev/loopN, mounted where and when the test says."""

    def __init__(self, image: Path, node: str) -> None:
        self.image = image
        self.node = node
        self._points: list[Path] = []

    @property
    def number(self) -> int:
        return Path(self.node).stat().st_rdev

    @property
    def size(self) -> int:
        return self.image.stat().st_size

    def mount(self, point: Path, *options: str) -> None:
        point.mkdir(parents=True, exist_ok=True)
        _run("mount", *(["-o", ",".join(options)] if options else []), self.node, str(point))
        self._points.append(point)

    def unmount(self, point: Path) -> None:
        _run("umount", str(point))
        self._points.remove(point)

    def release(self) -> None:
        for point in reversed(self._points):
            subprocess.run(["umount", "-l", str(point)], capture_output=True, check=False)
        self._points = []
        subprocess.run(["losetup", "-d", self.node], capture_output=True, check=False)


def make_loop(
    folder: Path, name: str, files: Mapping[str, bytes] | None = None, size: int = 16 * MIB
) -> LoopDevice:
    """An ext4 image with these files on it, attached; call `release` at the end.

    Skips aloud without root or loop devices.
    """
    require_loop()
    content = folder / f"{name}.files"
    content.mkdir(parents=True)
    for path, body in (files or {}).items():
        (content / path).parent.mkdir(parents=True, exist_ok=True)
        (content / path).write_bytes(body)
    image = folder / f"{name}.img"
    with image.open("wb") as whole:
        whole.truncate(size)
    _run("mkfs.ext4", "-q", "-F", "-L", name.upper()[:16], "-d", str(content), str(image))
    node = _run("losetup", "--find", "--show", str(image)).strip()
    return LoopDevice(image, node)


def require_loop() -> None:
    if os.geteuid() != 0:
        pytest.skip("loop devices and mounts need root")
    for tool in ("losetup", "mkfs.ext4", "mount"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (util-linux, mount, e2fsprogs)")
    if not Path("/dev/loop-control").exists():
        pytest.skip("this kernel has no loop devices")


@pytest.fixture
def loops(tmp_path: Path) -> Iterator["Loops"]:
    made = Loops(tmp_path)
    yield made
    made.release()


class Loops:
    """Makes loop devices that are released at the end of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: list[LoopDevice] = []

    def make(self, name: str, files: Mapping[str, bytes] | None = None) -> LoopDevice:
        self._made.append(make_loop(self.folder, name, files))
        return self._made[-1]

    def release(self) -> None:
        for device in self._made:
            device.release()


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout
