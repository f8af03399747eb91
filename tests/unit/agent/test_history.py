from datetime import UTC, datetime, timedelta, timezone

import pytest

from agent import history
from checks.facts.history import Trace

SHANGHAI = timezone(timedelta(hours=8))
KEYFILE = """
[connection]
id=home
uuid=0c2e
type=wifi
timestamp=1772431500

[wifi]
mode=infrastructure
ssid=TP-LINK_5G

[wifi-security]
key-mgmt=wpa-psk
psk=sehr-geheim
"""
KERNEL = """\
Mar  2 14:05:11 ward3 kernel: [   12.345678] rndis_host 1-2:1.0 usb0: register 'rndis_host' at usb-0000:00:14.0-2, RNDIS device, 02:1a:11:f0:00:01
Mar  2 14:05:12 ward3 kernel: [   12.400000] e1000e 0000:00:1f.6 eth0: NIC Link is Up
2026-03-01T08:00:00.5+08:00 ward3 kernel: option 1-1:1.0: GSM modem (1-port) converter now attached to ttyUSB0
"""


def found(parser, text: str, source: str = "/x") -> list[tuple[str, str, str]]:
    return [(trace.what, trace.name, trace.detail) for trace in parser(text, source)]


def test_a_wifi_profile_is_told_with_its_last_use_and_without_its_key():
    [trace] = history.network_manager(KEYFILE, "/etc/x")

    assert trace == Trace(
        what="wifi_profile", name="TP-LINK_5G", source="/etc/x", at_us=1_772_431_500_000_000
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[connection]\ntype=gsm\nid=CMCC\n[gsm]\napn=cmnet\n", ("modem", "CMCC", "cmnet")),
        (
            "[connection]\ntype=bluetooth\nid=Mi 14\n[bluetooth]\nbdaddr=AA:BB:CC:00:00:01\n",
            ("bluetooth", "Mi 14", "aa:bb:cc:00:00:01"),
        ),
        (
            (
                "[connection]\ntype=vpn\nid=office\n"
                "[vpn]\nservice-type=org.freedesktop.NetworkManager.openvpn\n"
            ),
            ("vpn_profile", "office", "openvpn"),
        ),
        (
            "[connection]\ntype=802-11-wireless\nid=a\n[802-11-wireless]\nssid=229;174;182;\n",
            ("wifi_profile", "家", ""),
        ),
    ],
)
def test_profiles_of_networkmanager_are_told_by_their_kind(text, expected):
    assert found(history.network_manager, text) == [expected]


@pytest.mark.parametrize("text", ["", "no ini at all", "[connection]\ntype=ethernet\nid=lan\n"])
def test_a_cable_or_no_profile_is_no_trace(text):
    assert found(history.network_manager, text) == []


@pytest.mark.parametrize(
    ("parser", "text", "expected"),
    [
        (
            history.wpa_supplicant,
            'network={\n ssid="cafe"\n psk="x"\n}\nnetwork={\n ssid=e5aeb6\n}\n',
            [("wifi_profile", "cafe", ""), ("wifi_profile", "家", "")],
        ),
        (
            history.netplan,
            ('network:\n  wifis:\n    wlan0:\n      access-points:\n        "cafe":\n'
            '          password: "x"\n        home: {}\n  ethernets:\n    eth0: {}\n'),
            [("wifi_profile", "cafe", ""), ("wifi_profile", "home", "")],
        ),
        (
            history.connman,
            ("[wifi_00e0_cafe_managed_psk]\nName=cafe\nPassphrase=x\n[ethernet_1]\nName=Wired\n"
            "[cellular_2]\nName=CMCC\n"),
            [("wifi_profile", "cafe", ""), ("modem", "CMCC", "")],
        ),
        (
            history.dhclient,
            ('lease {\n  interface "usb0";\n  fixed-address 192.168.42.7;\n'
            "  option routers 192.168.42.129;\n  renew 1 2026/03/02 06:05:00;\n}\n"),
            [("dhcp_lease", "192.168.42.7", "192.168.42.129")],
        ),
        (
            history.plain_lease,
            "# This is private data.\nADDRESS=192.168.8.100\nROUTER=192.168.8.1\n",
            [("dhcp_lease", "192.168.8.100", "192.168.8.1")],
        ),
        (
            history.bluetooth_device,
            ("[General]\nName=Mi 14\nServices=0000110a-0000-1000-8000-00805f9b34fb;"
            "00001116-0000-1000-8000-00805f9b34fb;\n[LinkKey]\nKey=00\n"),
            [("bluetooth", "Mi 14", "")],
        ),
        (
            history.bluetooth_device,
            "[General]\nName=Headset\nServices=0000110b-0000-1000-8000-00805f9b34fb;\n",
            [],
        ),
        (
            history.dialler,
            "[Dialer Defaults]\nPassword = x\nPhone = *99#\n",
            [("modem", "Defaults", "")],
        ),
        (history.ppp_peer, "# nothing\n", []),
        (history.ppp_peer, 'user "myusername@realm"\n/dev/modem\n', []),
        (history.ppp_peer, "/dev/ttyUSB0\nconnect 'chat'\n", [("modem", "x", "")]),
        (history.ppp_peer, 'pty "/usr/sbin/pppoe -I eth0"\n', []),
        (history.ppp_peer, 'pty "pppoe -I eth0"\nuser "w"\n', [("vpn_profile", "x", "")]),
        (history.ppp_peer, 'pty "pptp vpn.example"\n', [("vpn_profile", "x", "")]),
        (history.vpn_settings, "client\nremote vpn.example 1194\n", [("vpn_profile", "x", "vpn.example")]),
        (history.vpn_settings, "[Interface]\nPrivateKey = x\n", []),
        (
            history.persistent_names,
            ('# USB device 0x12d1:0x1506 (cdc_ether)\nSUBSYSTEM=="net"\n'
            "# PCI device 0x8086:0x15bb (e1000e)\n"),
            [("usb_network", "12d1:1506", "cdc_ether")],
        ),
    ],
)  # fmt: skip
def test_what_each_program_leaves_is_read_and_nothing_secret(parser, text, expected):
    assert found(parser, text) == expected


def test_the_kernels_own_words_have_their_times():
    written = datetime(2026, 3, 3, tzinfo=UTC)

    modem, tether = sorted(
        history.kernel_log(KERNEL, "/k", written=written, zone=SHANGHAI), key=lambda t: t.at_us
    )

    assert (modem.what, modem.name, modem.at_us) == (
        "modem",
        "option",
        int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 1_000_000,
    )
    assert (tether.what, tether.name, tether.detail) == (
        "usb_network",
        "rndis_host",
        "1-2:1.0 02:1a:11:f0:00:01",
    )
    assert tether.at_us == int(datetime(2026, 3, 2, 6, 5, 11, tzinfo=UTC).timestamp()) * 1_000_000


def test_a_line_without_a_year_that_would_be_of_tomorrow_is_of_last_year():
    written = datetime(2026, 1, 5, tzinfo=UTC)

    traces = history.kernel_log(KERNEL, "/k", written=written, zone=UTC)

    assert (
        next(traces).at_us // 1_000_000 == datetime(2025, 3, 2, 14, 5, 11, tzinfo=UTC).timestamp()
    )


@pytest.mark.parametrize(
    ("name", "ssid"),
    [("cafe.psk", "cafe"), ("=e5aeb6.open", "家"), ("a.b.8021x", "a.b"), ("known", None)],
)
def test_iwd_keeps_the_ssid_in_the_files_name(name, ssid):
    trace = history.iwd_network(name, "/i", 7)

    assert (trace.name if trace else None) == ssid
