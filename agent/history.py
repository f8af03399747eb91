"""Traces of earlier outreach, read from the texts that network programs leave.

Every parser takes the text of one file and answers with its traces; what a program would
not have written is passed over.  Keys, passwords and identities are never taken.
"""

import configparser
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo

from checks.facts.history import Trace

NAME_LIMIT = 128
_SECOND = 1_000_000
_NAP = "00001116-"  # Bluetooth assigned numbers: network access point (PAN)

_USB_NETWORK = ("cdc_ether", "cdc_ncm", "rndis_host", "ipheth")
_MODEM = ("cdc_mbim", "qmi_wwan", "huawei_cdc_ncm", "option")
_KERNEL_LINE = re.compile(
    r"^(?P<when>\S+|\w{3} [ \d]\d \S+) \S+ kernel: (?:\[ *[\d.]+\] )?"
    r"(?P<driver>[a-z_]+) (?P<port>[\d.:-]+)(?: (?P<link>\w+))?: (?P<what>.*)$"
)
_MAC = re.compile(r"\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b")

Parser = Callable[[str, str], Iterator[Trace]]
"""Takes the text and the file's name."""


def network_manager(text: str, source: str) -> Iterator[Trace]:
    """A keyfile of NetworkManager: man 5 nm-settings-keyfile."""
    profile = _ini(text)
    connection = profile.get("connection", {})
    name, kind = connection.get("id", ""), connection.get("type", "")
    at_us = _seconds(connection.get("timestamp", ""))
    if kind in ("wifi", "802-11-wireless"):
        section = profile.get("wifi") or profile.get("802-11-wireless") or {}
        yield _trace("wifi_profile", _ssid(section.get("ssid", "")) or name, source, at_us=at_us)
    elif kind in ("gsm", "cdma"):
        yield _trace("modem", name, source, profile.get(kind, {}).get("apn", ""), at_us)
    elif kind == "bluetooth":
        detail = profile.get("bluetooth", {}).get("bdaddr", "").lower()
        yield _trace("bluetooth", name, source, detail, at_us)
    elif kind in ("vpn", "wireguard", "pppoe", "ip-tunnel", "tun"):
        service = profile.get("vpn", {}).get("service-type", kind).rpartition(".")[2]
        yield _trace("vpn_profile", name, source, service, at_us)


def wpa_supplicant(text: str, source: str) -> Iterator[Trace]:
    """Network blocks: man 5 wpa_supplicant.conf.  An SSID is quoted, or in hex."""
    for block in re.findall(r"network\s*=\s*\{(.*?)\}", text, re.DOTALL):
        found = re.search(r'^\s*ssid\s*=\s*(?:"([^"\n]*)"|([0-9a-fA-F]+))\s*$', block, re.MULTILINE)
        if found:
            yield _trace("wifi_profile", found[1] or _unhexed(found[2]), source)


def netplan(text: str, source: str) -> Iterator[Trace]:
    """Names below `access-points` and `modems` of a netplan file.

    Only the block style with one key a line is read, as netplan's own examples write it.
    """
    path: list[tuple[int, str]] = []
    for line in text.splitlines():
        found = re.match(r"^( *)(\"[^\"]*\"|'[^']*'|[^\s#:][^:]*):(?:\s|$)", line)
        if not found:
            continue
        depth, key = len(found[1]), found[2].strip("\"' ")
        path = [step for step in path if step[0] < depth]
        above = [name for _, name in path]
        if above[-1:] == ["access-points"]:
            yield _trace("wifi_profile", key, source)
        elif above[-1:] == ["modems"]:
            yield _trace("modem", key, source)
        path.append((depth, key))


def connman(text: str, source: str) -> Iterator[Trace]:
    """Services in ConnMan's settings; the section begins with the kind of service."""
    for section, values in _ini(text).items():
        kind = section.partition("_")[0]
        name = values.get("name", "") or _unhexed(values.get("ssid", ""))
        at_us = _moment(values.get("modified", ""))
        if kind == "wifi" and name:
            yield _trace("wifi_profile", name, source, at_us=at_us)
        elif kind in ("cellular", "bluetooth", "vpn") and name:
            what = {"cellular": "modem", "bluetooth": "bluetooth", "vpn": "vpn_profile"}[kind]
            yield Trace(what=what, name=name[:NAME_LIMIT], source=source, at_us=at_us)  # type: ignore[arg-type]  # a value of the table above


def dhclient(text: str, source: str) -> Iterator[Trace]:
    """Leases: man 5 dhclient.leases.  Times are UTC, the day of the week in front."""
    for block in re.findall(r"lease\s*\{(.*?)\}", text, re.DOTALL):
        address = re.search(r"fixed-address\s+([\d.]+)\s*;", block)
        router = re.search(r"option routers\s+([\d.]+)", block)
        renewed = re.search(r"renew\s+\d\s+([\d/]+ [\d:]+)\s*;", block)
        if address:
            at_us = _moment(renewed[1].replace("/", "-") if renewed else "")
            yield _trace("dhcp_lease", address[1], source, router[1] if router else "", at_us)


def plain_lease(text: str, source: str) -> Iterator[Trace]:
    """What systemd-networkd and NetworkManager keep of a lease: KEY=value."""
    values = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))
    if values.get("ADDRESS"):
        yield _trace("dhcp_lease", values["ADDRESS"], source, values.get("ROUTER", ""))


def bluetooth_device(text: str, source: str) -> Iterator[Trace]:
    """A paired device of BlueZ that offers a network; one with other services is none."""
    general = _ini(text).get("general", {})
    if _NAP in general.get("services", "").lower():
        yield _trace("bluetooth", general.get("name", "") or source, source)


def dialler(text: str, source: str) -> Iterator[Trace]:
    """Sections of wvdial.conf."""
    for name in re.findall(r"^\[\s*Dialer\s+([^\]\n]+)\]", text, re.MULTILINE):
        yield _trace("modem", name.strip(), source)


def _is_template(options: Sequence[str]) -> bool:
    """Whether it is as Debian's ppp or pppoe put it there, without an account."""
    pppoe = any(re.match(r"pty\b.*\bpppoe\b", line) for line in options)
    accounts = [line for line in options if re.match(r"(user|name)\s", line)]
    return any("myusername@realm" in line for line in accounts) or (pppoe and not accounts)


def ppp_peer(text: str, source: str) -> Iterator[Trace]:
    """A peer of pppd: over a program's pipe it is a VPN, else it dials (man 8 pppd).

    A template that nobody has filled in is none.
    """
    options = [line.split("#")[0].strip() for line in text.splitlines()]
    options = [line for line in options if line]
    if not options or _is_template(options):
        return
    name = source.rpartition("/")[2]
    is_piped = any(re.match(r"pty\b|plugin\s+pptp", line) for line in options)
    yield _trace("vpn_profile" if is_piped else "modem", name, source)


def vpn_settings(text: str, source: str) -> Iterator[Trace]:
    """A file of OpenVPN or WireGuard that names an other end."""
    found = re.search(r"^\s*(?:remote\s+|Endpoint\s*=\s*)(\S+)", text, re.MULTILINE)
    if found:
        name = source.rpartition("/")[2].removesuffix(".conf").removesuffix(".ovpn")
        yield _trace("vpn_profile", name, source, found[1])


def persistent_names(text: str, source: str) -> Iterator[Trace]:
    """USB network devices that udev gave lasting names to (70-persistent-net.rules)."""
    for device, driver in re.findall(r"^# USB device 0x([\w:]+?) \((\w+)\)", text, re.MULTILINE):
        if driver in _USB_NETWORK + _MODEM:
            yield _trace("usb_network", device.replace(":0x", ":"), source, driver)


def iwd_network(name: str, source: str, at_us: int) -> Trace | None:
    """The SSID out of the name of iwd's file: man 5 iwd.network."""
    ssid, _, kind = name.rpartition(".")
    if kind not in ("open", "psk", "8021x"):
        return None
    return _trace(
        "wifi_profile", _unhexed(ssid[1:]) if ssid.startswith("=") else ssid, source, at_us=at_us
    )


def kernel_log(text: str, source: str, *, written: datetime, zone: tzinfo) -> Iterator[Trace]:
    """USB network devices and modems that the kernel announced.

    Lines without a year are of the one before `written`, when the file was last written to,
    in this machine's zone.
    """
    for line in text.splitlines():
        if not line.isascii():
            continue
        found = _KERNEL_LINE.match(line)
        if found is None or found["driver"] not in _USB_NETWORK + _MODEM:
            continue
        if not ("register" in found["what"] or "now attached" in found["what"]):
            continue
        mac = _MAC.search(found["what"])
        what = "modem" if found["driver"] in _MODEM else "usb_network"
        at_us = _log_moment(found["when"], written, zone)
        detail = f"{found['port']} {mac[0] if mac else ''}".strip()
        yield _trace(what, found["driver"], source, detail, at_us)


# ----------------------------------------------------------------------------- helpers


def _trace(what: str, name: str, source: str, detail: str = "", at_us: int = 0) -> Trace:
    return Trace(
        what=what,  # type: ignore[arg-type]  # only words of the vocabulary are written above
        name=name[:NAME_LIMIT] or "?",
        source=source,
        detail=detail[:NAME_LIMIT],
        at_us=at_us,
    )


def _ini(text: str) -> dict[str, dict[str, str]]:
    """Sections in lower case with their keys; nothing of a text that is no such file."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, delimiters=("=",))
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    return {
        section.lower(): {key: value or "" for key, value in parser.items(section)}
        for section in parser.sections()
    }


def _ssid(text: str) -> str:
    """As it is, or as NetworkManager writes what is not text: `104;111;109;`."""
    if re.fullmatch(r"(\d{1,3};)+", text):
        octets = [int(part) for part in text.rstrip(";").split(";")]
        return bytes(octet for octet in octets if octet < 256).decode("utf-8", "replace")
    return text


def _unhexed(text: str) -> str:
    try:
        return bytes.fromhex(text).decode("utf-8", "replace")
    except ValueError:
        return text


def _seconds(text: str) -> int:
    return int(text) * _SECOND if text.isdecimal() and len(text) < 12 else 0


def _moment(text: str) -> int:
    """A time in ISO form, UTC where it names no zone; 0 when it is none."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return 0
    aware = read if read.tzinfo else read.replace(tzinfo=UTC)
    return max(0, int(aware.timestamp()) * _SECOND)


def _log_moment(text: str, written: datetime, zone: tzinfo) -> int:
    if text[:1].isdigit():
        return _moment(text)
    try:
        local = datetime.strptime(f"{written.year} {text}", "%Y %b %d %H:%M:%S").replace(
            tzinfo=zone
        )
    except ValueError:
        return 0
    if local > written:
        local = local.replace(year=local.year - 1)
    return int(local.timestamp()) * _SECOND
