"""Sysfs as recorded from real machines, reduced to what is read; one function plants one
device below a folder.
"""

from pathlib import Path


def plant(root: Path, files: dict[str, str], links: dict[str, str]) -> None:
    """`files` maps paths to contents, `links` paths to targets inside the tree."""
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content + "\n")
    for path, target in links.items():
        link = root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        (root / target).mkdir(parents=True, exist_ok=True)
        link.symlink_to(root / target)


def hardware_link(
    root: Path, name: str, index: int, *, bus: str, device: str, driver: str, devtype: str = ""
) -> Path:
    """An interface on a bus; the folder of the interface."""
    folder = f"devices/{device}/net/{name}"
    plant(
        root,
        {f"{folder}/ifindex": str(index), f"{folder}/uevent": f"DEVTYPE={devtype}"},
        {
            f"class/net/{name}": folder,
            f"{folder}/device": f"devices/{device}",
            f"devices/{device}/subsystem": f"bus/{bus}",
        },
    )
    if driver:
        plant(root, {}, {f"devices/{device}/driver": f"bus/{bus}/drivers/{driver}"})
    return root / folder


def virtual_link(root: Path, name: str, index: int) -> Path:
    folder = f"devices/virtual/net/{name}"
    plant(root, {f"{folder}/ifindex": str(index)}, {f"class/net/{name}": folder})
    return root / folder


def usb_device(
    root: Path,
    port: str,
    identity: str,
    *interfaces: tuple[str, str],
    serial: str = "",
    words: tuple[str, str] = ("", ""),
) -> None:
    """`identity` is vendor:product; each interface is (class triple, driver)."""
    vendor, product = identity.split(":")
    home = f"devices/pci0/usb1/{port}"
    plant(
        root,
        {
            f"{home}/idVendor": vendor,
            f"{home}/idProduct": product,
            f"{home}/manufacturer": words[0],
            f"{home}/product": words[1],
            **({f"{home}/serial": serial} if serial else {}),
        },
        {f"bus/usb/devices/{port}": home},
    )
    for number, (triple, driver) in enumerate(interfaces):
        here = f"{home}/{port}:1.{number}"
        plant(
            root,
            {
                f"{here}/bInterfaceClass": triple[:2],
                f"{here}/bInterfaceSubClass": triple[2:4],
                f"{here}/bInterfaceProtocol": triple[4:],
            },
            {f"{here}/subsystem": "bus/usb"},
        )
        if driver:
            plant(root, {}, {f"{here}/driver": f"bus/usb/drivers/{driver}"})


def usb_link(root: Path, name: str, index: int, *, port: str, interface: int) -> None:
    """A network interface on an interface of a planted USB device."""
    here = f"devices/pci0/usb1/{port}/{port}:1.{interface}"
    folder = f"{here}/net/{name}"
    plant(
        root,
        {f"{folder}/ifindex": str(index)},
        {f"class/net/{name}": folder, f"{folder}/device": here},
    )
