"""What a USB device is beside a place for files, by its interfaces.

A triple is class, subclass and protocol in hexadecimal (USB-IF "Defined Class Codes"), as
udev lists them in ID_USB_INTERFACES.
"""

from collections.abc import Mapping

import msgspec

from agent.system.usb_makers import ONLY_MODEMS, STILL_A_DISC
from checks.facts.media import OtherFunction

_STORAGE, _PRINTER, _STILL_IMAGE, _HID, _CCID = "08", "07", "060101", "03", "0b"
_BOOT_KEYBOARD = "030101"  # HID 1.11, appendix B
_ADB = frozenset(("ff4201", "ff4203"))  # Android: adb.h, and fastboot
_USBMUX = "fffe02"  # Apple's multiplexer: every iPhone, iPad and iPod touch, locked or not
_MTP = "ffff00"  # Android's f_mtp.c; many things say so, only these call the interface MTP
_RNDIS = frozenset(("e00103", "ef0401", "0202ff"))
_CDC_NETWORK = frozenset(("0206", "020d", "020c"))  # CDC 1.2: ECM, NCM, EEM
_MBIM = "020e"
_AT_COMMANDS = frozenset(f"0202{protocol:02x}" for protocol in range(1, 7))  # V.250 … CDMA
_CARDS_STILL_A_DISC = frozenset(("0bda:1a2b", "148f:2878", "0e8d:2870"))
"""Wi-Fi cards that show a disc with their drivers first: Realtek, Ralink, MediaTek."""


class UsbFunctions(msgspec.Struct, frozen=True):
    """`names` are those of the interfaces, `product` is `vendor:product` by their ids."""

    triples: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    product: str = ""

    @property
    def is_telephone(self) -> bool:
        """Hands out files by Apple's protocol, ADB or MTP.  A modem may have ADB as well."""
        speaks_adb = bool(_ADB & self.triples) and not self.is_modem
        return speaks_adb or _USBMUX in self.triples or self._names_mtp

    @property
    def is_camera(self) -> bool:
        """PTP.  Some printers with card slots have it as well, for pictures that come in."""
        return _STILL_IMAGE in self.triples and not self.is_printer

    @property
    def is_modem(self) -> bool:
        return (
            any(triple.startswith(_MBIM) for triple in self.triples)
            or bool(_AT_COMMANDS & self.triples)
            or self.product in STILL_A_DISC
            or (self.product[:4] in ONLY_MODEMS and not self._looks_like_a_telephone)
        )

    @property
    def has_own_disc(self) -> bool:
        """Its disc is a part of itself, with drivers: a signature key, a licence dongle, a
        telephone, a modem or a card before it is switched over.
        """
        return (
            self._has(_CCID)
            or (self._has(_HID) and _BOOT_KEYBOARD not in self.triples)
            or self.is_telephone
            or self.is_camera
            or self.is_modem
            or self.product in _CARDS_STILL_A_DISC
        )

    @property
    def is_printer(self) -> bool:
        return self._has(_PRINTER)

    @property
    def has_keyboard(self) -> bool:
        return _BOOT_KEYBOARD in self.triples

    @property
    def has_network(self) -> bool:
        """A network card, of a device that is neither telephone nor modem."""
        told = bool(_RNDIS & self.triples) or any(t[:4] in _CDC_NETWORK for t in self.triples)
        return told and not (self.is_telephone or self.is_camera or self.is_modem)

    @property
    def may_be_a_player(self) -> bool:
        """Whether what the maker's list calls a media player can hand out files by MTP now."""
        own = any(triple[:2] in ("06", "ff") for triple in self.triples)
        return own and not self._has(_STORAGE)

    def others(self, *, keyboard: bool) -> tuple[OtherFunction, ...]:
        """What it is beside storage; `keyboard`: the kernel made one of it."""
        found: list[OtherFunction] = []
        if keyboard or self.has_keyboard:
            found.append("keyboard")
        if self.has_network:
            found.append("network")
        return tuple(found)

    @property
    def _names_mtp(self) -> bool:
        return "MTP" in self.names and bool({_MTP, _STILL_IMAGE} & self.triples)

    @property
    def _looks_like_a_telephone(self) -> bool:
        return bool({_STILL_IMAGE, _MTP, _USBMUX} & self.triples) or bool(_ADB & self.triples)

    def _has(self, usb_class: str) -> bool:
        return any(triple.startswith(usb_class) for triple in self.triples)


def usb_functions(properties: Mapping[str, str], attributes: Mapping[str, str]) -> UsbFunctions:
    """From udev's properties of a device and the sysfs attributes of its USB device."""
    vendor = properties.get("ID_VENDOR_ID") or attributes.get("idVendor", "")
    product = properties.get("ID_MODEL_ID") or attributes.get("idProduct", "")
    told = properties.get("ID_USB_INTERFACES", "").lower().split(":")
    return UsbFunctions(
        triples=frozenset(triple for triple in told if triple),
        names=frozenset(attributes.get("interfaces", "").split("\n")) - {""},
        product=f"{vendor}:{product}",
    )
