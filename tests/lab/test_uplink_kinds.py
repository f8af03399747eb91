"""Every kind of uplink that the guest's kernel can make, each with the rule that it raises:
simulated Wi-Fi radios with a real hostapd and wpa_supplicant, WireGuard, PPPoE, GRE, SIT, VLAN.

The agent in the virtual machine, the collector on this host.  The far ends live in a network
namespace of the guest, so that the agent sees one end, as on a workstation.
"""

import subprocess
import threading

import pytest

from tests.lab.machine import (
    HOST_SEEN_FROM_GUEST,
    INTRANET,
    PROGRAM,
    enrolled_guest,
    health,
    observed,
)
from tests.support.live import Collector, until

SERVICE = "wardwatch-kinds"
NEEDED = ("iw", "wpasupplicant", "hostapd", "rfkill", "ppp", "pppoe", "wireguard-tools")
THEIR_LIBRARIES = ("libpcsclite1", "libnl-3-200", "libnl-genl-3-200", "libnl-route-3-200")
POLICY = INTRANET + '[wireless]\nlisted = [{ ssid = "ward", authentication = "psk" }]\n'
PASSPHRASE = "lantern-gravel"
ACCESS_POINT = """interface={interface}
driver=nl80211
ssid={ssid}
hw_mode=g
channel=1
wpa=2
wpa_key_mgmt=WPA-PSK
rsn_pairwise=CCMP
wpa_passphrase=lantern-gravel
"""
STATION = 'network={{\nssid="{ssid}"\npsk="lantern-gravel"\n}}\n'
PATIENCE = 60.0
"""Seconds: the machine is emulated."""


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    collector = Collector(
        tmp_path_factory.mktemp("collector"), policy=POLICY, other_names=[HOST_SEEN_FROM_GUEST]
    ).start()
    yield collector
    collector.end()


@pytest.fixture(scope="module")
def guest(collector, tmp_path_factory):
    folder = tmp_path_factory.mktemp("install")
    with enrolled_guest(collector, folder) as guest:
        install_debian_packages(guest, folder)
        guest.ssh(
            "printf '[keyfile]\\nunmanaged-devices=*,except:interface-name:en*\\n'"
            " > /etc/NetworkManager/conf.d/lab.conf && nmcli general reload conf;"
            "modprobe mac80211_hwsim radios=2 && ip netns add far &&"
            " iw phy phy0 set netns name far; ip -n far link set lo up; sleep 1"
        )
        guest.ssh(f"systemd-run --unit={SERVICE} -p Restart=always -p RestartSec=1 {PROGRAM} run")
        until(lambda: health(collector), seconds=40, told="the agent was heard")
        yield guest


def install_debian_packages(guest, folder):
    """What Debian's own mirror gives, fetched here, put in there."""
    packages = (*NEEDED, *THEIR_LIBRARIES)
    fetched = subprocess.run(
        ["apt-get", "download", *packages], cwd=folder, capture_output=True, text=True, check=False
    )
    if fetched.returncode:
        pytest.skip(f"Debian packages for the guest cannot be fetched: {fetched.stderr[-300:]}")
    guest.ssh("mkdir -p /tmp/debs")
    for package in folder.glob("*.deb"):
        guest.ctl("push", str(package), "/tmp/debs/")
    guest.ssh("DEBIAN_FRONTEND=noninteractive dpkg -i /tmp/debs/*.deb > /tmp/debs/log 2>&1"
              " || (cat /tmp/debs/log; false)")  # fmt: skip


@pytest.fixture
def news(guest, collector):
    """The rules of the cases that this test opened, each as often as it has a case."""
    before = {case["id"] for case in collector.cases()}
    return lambda: sorted(case["rule"] for case in collector.cases() if case["id"] not in before)


def link_as_seen(collector, name):
    """The newest word about this link."""
    for fact in observed(collector, "network"):
        for link in fact["links"]:
            if link["name"] == name:
                return link
    return {}


def await_case(collector, rule, subject):
    def there():
        return next((c for c in collector.cases(rule=rule) if c["subject"] == subject), None)

    return until(there, seconds=PATIENCE, told=f"{rule} about {subject}; {collector.rules()}")


def settled():
    """Time for a second rule to speak up, if one would."""
    threading.Event().wait(3)


def connect(guest, ssid):
    guest.push_text(ACCESS_POINT.format(interface="wlan0", ssid=ssid), "/run/ap.conf")
    guest.push_text(STATION.format(ssid=ssid), "/run/station.conf")
    guest.ssh(
        "ip netns exec far hostapd -B -P /run/ap.pid /run/ap.conf >/run/ap.log &&"
        " wpa_supplicant -B -P /run/sta.pid -i wlan1 -c /run/station.conf >/run/sta.log"
    )


def disconnect(guest):
    guest.ssh("kill $(cat /run/sta.pid) $(cat /run/ap.pid); sleep 1; ip link set wlan1 down")


def test_the_machine_with_its_radio_raises_nothing(guest, collector):
    until(lambda: observed(collector, "radios"), seconds=PATIENCE, told="the radios were told")

    [radios] = {tuple((r["kind"], r["device"]) for r in fact["radios"])
                for fact in observed(collector, "radios")[:1]}  # fmt: skip
    assert radios == (("wifi", "phy1"),)
    assert collector.rules() == []


def test_a_listed_wireless_network_raises_nothing(guest, collector, news):
    connect(guest, "ward")

    until(
        lambda: (
            link_as_seen(collector, "wlan1").get("wifi", {}) is not None
            and (link_as_seen(collector, "wlan1").get("wifi") or {}).get("ssid") == "ward"
        ),
        seconds=PATIENCE,
        told="connected to ward",
    )
    wifi = link_as_seen(collector, "wlan1")["wifi"]
    disconnect(guest)

    assert (wifi["mode"], wifi["authentication"]) == ("station", "psk")
    assert wifi["bssid"] == guest.ssh("ip netns exec far cat /sys/class/net/wlan0/address").strip()
    assert news() == []


def test_a_network_that_is_not_listed_is_wireless(guest, collector, news):
    connect(guest, "free coffee")
    case = await_case(collector, "EXT-05", "wlan1")
    guest.ssh("ip address add 192.168.43.5/24 dev wlan1; "
              "ip route add default via 192.168.43.1 metric 900")  # fmt: skip
    settled()
    disconnect(guest)

    assert case["severity"] == "high"
    assert news() == ["EXT-05"]


def test_an_access_point_of_this_machine_is_critical(guest, collector, news):
    guest.push_text(ACCESS_POINT.format(interface="wlan1", ssid="ward"), "/run/own.conf")
    before = {case["id"] for case in collector.cases(rule="EXT-05", severity="critical")}
    guest.ssh("hostapd -B -P /run/own.pid /run/own.conf && ip address add 10.42.0.1/24 dev wlan1")

    until(
        lambda: [c for c in collector.cases(rule="EXT-05", severity="critical")
                 if c["id"] not in before],
        seconds=PATIENCE,
        told="the hotspot is critical",
    )  # fmt: skip
    settled()
    guest.ssh("kill $(cat /run/own.pid); ip address flush dev wlan1; ip link set wlan1 down")

    assert set(news()) <= {"EXT-05"}


def test_a_switched_off_radio_is_told_as_off(guest, collector):
    guest.ssh("rfkill block wlan")

    until(
        lambda: not observed(collector, "radios")[0]["radios"][0]["enabled"],
        seconds=PATIENCE,
        told="the radio is off",
    )
    guest.ssh("rfkill unblock wlan")


TUNNELS = {
    "wireguard": "ip link add KIND type wireguard",
    "gre": "ip link add KIND type gre local 10.0.2.15 remote 10.0.2.9",
    "sit": "ip link add KIND type sit local 10.0.2.15 remote 10.0.2.9",
    "ipip": "ip link add KIND type ipip local 10.0.2.15 remote 10.0.2.9",
    "ip6tnl": "ip link add KIND type ip6tnl local fec0::5054:ff:fe00:9 remote fec0::9",
    "vti": "ip link add KIND type vti local 10.0.2.15 remote 10.0.2.9 key 1",
    "vxlan": "ip link add KIND type vxlan id 7 remote 10.0.2.9 dstport 4789 local 10.0.2.15",
    "geneve": "ip link add KIND type geneve id 7 remote 10.0.2.9",
    "xfrm": "ip link add KIND type xfrm if_id 7",
    "tun": "ip tuntap add KIND mode tun",
    "tap": "ip tuntap add KIND mode tap",
}


@pytest.mark.parametrize("kind", TUNNELS)
def test_a_tunnel_of_each_kind_is_a_tunnel_and_nothing_else(guest, collector, news, kind):
    name = f"w{kind}"
    guest.ssh(TUNNELS[kind].replace("KIND", name) + f" && ip link set {name} up"
              f" && ip address add 10.9.8.1/24 dev {name}")  # fmt: skip

    await_case(collector, "EXT-08", name)
    settled()
    guest.ssh(f"ip link delete {name}")

    assert news() == ["EXT-08"]


def test_pppoe_is_a_tunnel_and_no_modem(guest, collector, news):
    guest.ssh(
        "ip link add dsl0 type veth peer name dsl1 netns far && ip link set dsl0 up &&"
        " ip -n far link set dsl1 up &&"
        " printf 'noauth\\nnodetach\\nlcp-echo-interval 0\\n' > /etc/ppp/pppoe-server-options &&"
        " (nohup ip netns exec far pppoe-server -F -I dsl1 -L 10.67.0.1 -R 10.67.0.2 -N 1"
        " >/run/pppoed.log 2>&1 & echo $! > /run/pppoed.pid); sleep 1;"
        " pppd plugin rp-pppoe.so dsl0 noauth nodefaultroute user x persist"
    )

    case = await_case(collector, "EXT-08", "ppp0")
    settled()
    guest.ssh("kill $(cat /run/ppp0.pid); kill $(cat /run/pppoed.pid); ip link delete dsl0")

    assert case["rule"] == "EXT-08"
    assert link_as_seen(collector, "ppp0")["kind"] == "pppoe"
    assert news() == ["EXT-08"]


def test_a_vlan_of_the_card_with_an_address_outside_is_a_second_way_out(guest, collector, news):
    card = guest.ssh("ip -o route get 10.0.2.2 | sed 's/.* dev \\([^ ]*\\).*/\\1/'").strip()
    guest.ssh(f"ip link add link {card} name office7 type vlan id 7 && ip link set office7 up &&"
              " ip address add 192.168.77.5/24 dev office7")  # fmt: skip

    await_case(collector, "EXT-03", "office7")
    link = link_as_seen(collector, "office7")
    settled()
    guest.ssh("ip link delete office7")

    assert (link["kind"], link["vlan"], link["lower"]) == ("wired", 7, card)
    assert news() == ["EXT-03"]
