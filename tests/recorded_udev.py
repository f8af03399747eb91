"""Recorded udev data before real kernel devices: a loop device that udev calls a stick.

    with RecordedUdev() as udev:
        agent = subprocess.Popen([...], env={**os.environ, **udev.environment()})
        udev.plug(STICK, node="/dev/loop3", number=device.number, size=device.size)
        ...mount the loop device for real...
        udev.unplug(STICK, node="/dev/loop3", number=..., size=...)

umockdev does it: its preloaded library shows the process under test a sysfs and a udev
database of our own; everything else (mount table, fanotify, file system) is the real
kernel's.  The testbed lives in a process of its own, told what to do by lines of JSON.
Below /sys the process under test sees nothing but what was plugged.  Needs the Debian
packages umockdev and libumockdev0.
"""

import ctypes
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import pytest

PRELOAD = "libumockdev-preload.so.0"
LIBRARY = "libumockdev.so.0"
WRAPPER = "umockdev-wrapper"
_SECTOR = 512
_PORT = "/devices/pci0000:00/0000:00:14.0/usb2"


class UsbStick(msgspec.Struct, frozen=True, kw_only=True):
    """What udev would know of it; `port` is the USB port's name in sysfs."""

    vendor_id: str = "0951"
    product_id: str = "1666"
    vendor: str = "Kingston"
    model: str = "DataTraveler"
    serial: str = "60A44C413FBBF0A1"
    port: str = "2-1"
    interfaces: str = ":080650:"
    filesystem: str = "ext4"
    uuid: str = "7d7d7d7d-0000-4000-8000-000000000001"
    label: str = "WARD"
    removable: bool = True

    def usb_path(self) -> str:
        return f"{_PORT}/{self.port}"

    def block_path(self, node: str) -> str:
        below = f"{self.port}:1.0/host6/target6:0:0/6:0:0:0"
        return f"{self.usb_path()}/{below}/block/{Path(node).name}"

    def recording(self, *, node: str, number: int, size: int) -> str:
        """In the format of umockdev-record(1)."""
        major, minor = number >> 8 & 0xFFF, number & 0xFF
        told = self._told()
        blocks = [
            [f"P: {self.usb_path()}", "E: SUBSYSTEM=usb", "E: DEVTYPE=usb_device"]
            + [f"E: {key}={value}" for key, value in told.items()]
            + [f"A: idVendor={self.vendor_id}", f"A: idProduct={self.product_id}"]
            + ([f"A: serial={self.serial}"] if self.serial else []),
            [f"P: {self.block_path(node)}", f"N: {Path(node).name}"]
            + ["E: SUBSYSTEM=block", "E: DEVTYPE=disk", f"E: DEVNAME={node}"]
            + [f"E: MAJOR={major}", f"E: MINOR={minor}", "E: ID_BUS=usb", "E: ID_TYPE=disk"]
            + [f"E: {key}={value}" for key, value in told.items()]
            + ["E: ID_FS_USAGE=filesystem", f"E: ID_FS_TYPE={self.filesystem}"]
            + [f"E: ID_FS_UUID={self.uuid}", f"E: ID_FS_LABEL={self.label}"]
            + [f"A: size={size // _SECTOR}", f"A: removable={int(self.removable)}"]
            + [f"A: dev={major}:{minor}"],
        ]
        return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"

    def _told(self) -> Mapping[str, str]:
        told = {
            "ID_VENDOR_ID": self.vendor_id,
            "ID_MODEL_ID": self.product_id,
            "ID_VENDOR": self.vendor,
            "ID_MODEL": self.model,
            "ID_USB_INTERFACES": self.interfaces,
        }
        return {**told, "ID_SERIAL_SHORT": self.serial} if self.serial else told


STICK = UsbStick()


class RecordedUdev:
    """One testbed; leave it by `close` or as a context manager."""

    def __init__(self) -> None:
        require_umockdev()
        self._testbed = subprocess.Popen(
            [WRAPPER, sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.root = self._answer()

    def environment(self) -> Mapping[str, str]:
        """To be added to that of the process under test."""
        return {"LD_PRELOAD": PRELOAD, "UMOCKDEV_DIR": self.root}

    def plug(self, stick: UsbStick, *, node: str, number: int, size: int) -> None:
        """Both devices appear, and their `add` events; size in bytes."""
        paths = [stick.usb_path(), stick.block_path(node)]
        self._tell(
            do="plug", recording=stick.recording(node=node, number=number, size=size), paths=paths
        )

    def load(self, recordings: Iterable[str]) -> None:
        """Devices that were there before anybody listened."""
        for recording in recordings:
            self._tell(do="plug", recording=recording, paths=[])

    def change(self, stick: UsbStick, *, node: str, properties: Mapping[str, str]) -> None:
        """A `change` event of the block device after setting these properties."""
        self._tell(do="change", path=stick.block_path(node), properties=dict(properties))

    def unplug(self, stick: UsbStick, *, node: str) -> None:
        self._tell(do="unplug", paths=[stick.block_path(node), stick.usb_path()])

    def close(self) -> None:
        assert self._testbed.stdin is not None
        assert self._testbed.stdout is not None
        self._testbed.stdin.close()
        self._testbed.wait(10)
        self._testbed.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _tell(self, **order: Any) -> None:
        assert self._testbed.stdin is not None
        self._testbed.stdin.write(json.dumps(order) + "\n")
        self._testbed.stdin.flush()
        assert self._answer() == "done"

    def _answer(self) -> str:
        assert self._testbed.stdout is not None
        return self._testbed.stdout.readline().strip()


def require_umockdev() -> None:
    """Skips aloud where it is not installed."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        pytest.skip(f"{LIBRARY} missing: install libumockdev0")
    if shutil.which(WRAPPER) is None:
        pytest.skip(f"{WRAPPER} missing: install umockdev")


class _Testbed:
    """UMockdevTestbed of libumockdev, in a process that has its library preloaded."""

    def __init__(self) -> None:
        library = ctypes.CDLL(LIBRARY)
        library.umockdev_testbed_new.restype = ctypes.c_void_p
        library.umockdev_testbed_get_root_dir.restype = ctypes.c_char_p
        pointer, text = ctypes.c_void_p, ctypes.c_char_p
        for name, arguments in {
            "get_root_dir": [pointer],
            "add_from_string": [pointer, text, pointer],
            "uevent": [pointer, text, text],
            "remove_device": [pointer, text],
            "set_property": [pointer, text, text, text],
        }.items():
            getattr(library, f"umockdev_testbed_{name}").argtypes = arguments
        self._library = library
        self._testbed = library.umockdev_testbed_new()

    def root(self) -> str:
        return str(self._library.umockdev_testbed_get_root_dir(self._testbed).decode())

    def plug(self, recording: str, paths: list[str]) -> None:
        self._library.umockdev_testbed_add_from_string(self._testbed, recording.encode(), None)
        for path in paths:
            self._event(path, "add")

    def change(self, path: str, properties: Mapping[str, str]) -> None:
        for name, value in properties.items():
            self._library.umockdev_testbed_set_property(
                self._testbed, _sys(path), name.encode(), value.encode()
            )
        self._event(path, "change")

    def unplug(self, paths: list[str]) -> None:
        for path in paths:
            self._event(path, "remove")
            self._library.umockdev_testbed_remove_device(self._testbed, _sys(path))
            # libumockdev 0.17 leaves this link, and fails when the same name comes again.
            (Path(self.root()) / "sys/block" / Path(path).name).unlink(missing_ok=True)

    def _event(self, path: str, action: str) -> None:
        self._library.umockdev_testbed_uevent(self._testbed, _sys(path), action.encode())


def _sys(path: str) -> bytes:
    return f"/sys{path}".encode()


def _serve() -> None:
    testbed = _Testbed()
    print(testbed.root(), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        getattr(testbed, order.pop("do"))(**order)
        print("done", flush=True)


if __name__ == "__main__":
    _serve()
