"""Devices from udev: libudev's netlink monitor and database, through pyudev.

Where no udevd runs (a container, an early boot) the kernel's own uevents are listened
to; they carry no file-system ids, and identity comes from sysfs attributes alone.
"""

import errno
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast

import pyudev

from agent.media.devices import (
    ATTRIBUTES,
    BINARY_ATTRIBUTES,
    Action,
    Ancestor,
    Device,
    DeviceChange,
)

_UDEVD = Path("/run/udev/control")
_UNTOLD = "no udevd: file-system ids and labels of media are not known"
_KNOWN_ACTIONS = frozenset(("add", "change", "remove"))
_BIRTH_ACTIONS = frozenset(("bind", "online", "move"))
Subsystem = Literal["block", "usb", "input"]
STORAGE: tuple[Subsystem, ...] = ("block", "usb")
INPUT: tuple[Subsystem, ...] = ("input",)
_KERNEL_BUFFER = 1 << 20
"""Bytes for uevents that nobody has read yet; a hub full of sticks is some 100 kB."""


_PRESENT: tuple[tuple[Subsystem, str], ...] = (
    ("block", "disk"),
    ("block", "partition"),
    ("usb", "usb_device"),
)


class UdevDevices:
    """Fits DeviceSource."""

    def __init__(
        self, *, udevd: bool | None = None, only: Collection[Subsystem] = STORAGE + INPUT
    ) -> None:
        """`udevd`: whether one runs; found out by its control socket when not given.  Devices
        of `only` these subsystems are told: each costs its event some reading.
        """
        self._udevd = _UDEVD.exists() if udevd is None else udevd
        self._only = only
        self._context: Any = None
        self._monitor: Any = None

    def open(self) -> int:
        self._context = cast("Any", pyudev.Context)()
        source = "udev" if self._udevd else "kernel"
        self._monitor = cast("Any", pyudev.Monitor).from_netlink(self._context, source=source)
        for subsystem in self._only:
            self._monitor.filter_by(subsystem, "usb_device" if subsystem == "usb" else None)
        self._enlarge_buffer()
        self._monitor.start()
        return int(self._monitor.fileno())

    def changes(self) -> Iterator[DeviceChange]:
        while (seen := self._monitor.poll(timeout=0)) is not None:
            action = "change" if seen.action in _BIRTH_ACTIONS else seen.action
            if action in _KNOWN_ACTIONS:
                left = action == "remove" or _is_another_by_now(seen)
                device = _as_told(seen) if left else device_of(seen)
                yield DeviceChange(cast("Action", action), device)

    def present(self) -> Iterator[Device]:
        for subsystem, devtype in _PRESENT:
            if subsystem in self._only:
                listed = self._context.list_devices(subsystem=subsystem)
                yield from (device_of(d) for d in listed if d.device_type == devtype)
        if "input" in self._only:
            for keyboard in self._context.list_devices(subsystem="input", ID_INPUT_KEYBOARD=1):
                yield device_of(keyboard)

    def degraded(self) -> str:
        return "" if self._udevd else _UNTOLD

    def close(self) -> None:
        self._monitor = None  # the last reference closes the socket
        self._context = None

    def _enlarge_buffer(self) -> None:
        try:
            self._monitor.set_receive_buffer_size(_KERNEL_BUFFER)
        except OSError as refused:
            # Without CAP_NET_ADMIN the default must do; an overrun is reported anyway.
            if refused.errno != errno.EPERM:
                raise


def device_of(device: Any) -> Device:
    """A pyudev.Device as values; what vanished while it was read is left out."""
    return Device(
        path=device.sys_path,
        subsystem=device.subsystem or "",
        devtype=device.device_type or "",
        node=device.device_node or "",
        number=device.device_number,
        properties=dict(device.properties),
        attributes=_attributes(device),
        ancestors=tuple(
            Ancestor(
                subsystem=above.subsystem or "",
                devtype=above.device_type or "",
                name=above.sys_name,
                attributes=_attributes(above),
            )
            for above in device.ancestors
        ),
    )


def _is_another_by_now(device: Any) -> bool:
    """Whether another disk stands there since this event, by the kernel's number of the disk
    (block/genhd.c, `diskseq`, since Linux 5.15).
    """
    told = device.properties.get("DISKSEQ", "")
    if not told or device.device_type != "disk":
        return False
    stands = device.attributes.get("diskseq")
    return stands is not None and os.fsdecode(stands).strip() != told


def _as_told(device: Any) -> Device:
    """By the event alone: sysfs knows it no more."""
    return Device(
        path=device.sys_path,
        subsystem=device.subsystem or "",
        devtype=device.device_type or "",
        node=device.device_node or "",
        number=device.device_number,
        properties=dict(device.properties),
    )


def _attributes(device: Any) -> Mapping[str, str]:
    read = dict(_read_beside(device))
    for name in ATTRIBUTES.get(device.subsystem or "", ()):
        value = device.attributes.get(name)
        if value is not None:
            read[name] = os.fsdecode(value).strip()
    return read


def _read_beside(device: Any) -> Iterator[tuple[str, str]]:
    """What libudev cannot tell: octets, and what stands in folders below."""
    folder = Path(device.sys_path)
    if (device.subsystem, device.device_type) == ("usb", "usb_device"):
        own = folder.glob(f"{device.sys_name}:*/interface")
        yield "interfaces", "\n".join(_content(name).decode("utf-8", "replace") for name in own)
    if (device.subsystem, device.device_type) == ("scsi", "scsi_device"):
        for name in BINARY_ATTRIBUTES:
            yield name, _content(folder / name).hex()


def _content(attribute: Path) -> bytes:
    """Empty when there is none, or not any more."""
    try:
        return attribute.read_bytes().strip(b"\n")
    except OSError:
        return b""
