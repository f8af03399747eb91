"""Cutting and undoing on the real kernel: what was there before is there after."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from agent.containment import Wish
from agent.containment_memory import MEMORY, load
from agent.cuts import Cuts
from agent.system.link_cut import KernelHands
from checks.facts.network import NetworkState
from checks.policy.network import Containment
from tests import netns
from tests.e2e.test_containment import FOREIGN
from tests.support.live import Place, until

pytestmark = pytest.mark.skipif(
    bool(netns.missing()) or not shutil.which("nft"),
    reason=netns.missing() or "the tool nft (Debian package nftables) is missing",
)

NOW_US = 1_795_000_000_000_000
HOUR_US = 3_600_000_000
LINKS = """
link add intranet0 type veth peer name far0
link add usb0 type veth peer name far1
link add wwan0 type veth peer name far2
link set lo up
"""
CONFIGURED = """
address add 10.77.1.2/24 dev intranet0
address add 192.168.42.7/24 dev usb0
address add 192.168.43.7/24 dev usb0
-6 address add fd11::1/64 dev usb0 nodad
-6 address add fd12::1/64 dev usb0 nodad
address add 10.64.3.9/30 dev wwan0
route add default via 10.77.1.1 metric 10
route add default via 192.168.42.1 metric 50
route add 10.8.0.0/16 dev usb0 scope link
route add 10.9.0.0/16 via 192.168.43.9 table 100
-6 route add default via fd11::99 dev usb0
-6 route add 2001:db8::/32 via fd12::5 dev usb0 metric 5 table 77
neighbour add 192.168.42.1 lladdr 02:00:00:00:00:01 dev usb0 nud permanent
"""
KILLED_AFTER_REMEMBERING = """
import os, signal, sys
from pathlib import Path
from agent.containment import Wish
from agent.cuts import Cuts
from agent.system.link_cut import KernelHands
from checks.facts.network import NetworkState
from checks.policy.network import Containment

class Killed(KernelHands):
    def drop_packets_of(self, interfaces):
        if sys.argv[2] == "after":
            super().drop_packets_of(interfaces)
        os.kill(os.getpid(), signal.SIGKILL)

    def take_down(self, index):
        if sys.argv[2] == "after":
            super().take_down(index)
        os.kill(os.getpid(), signal.SIGKILL)

way = Containment(way=sys.argv[3])
Cuts(Path(sys.argv[1]), Killed()).make(Wish(ground="EXT-04", interface="usb0"), way, at_us=1)
"""


class Machine:
    """A namespace with an intranet link, two extra ones, and rules of others."""

    def __init__(self, name):
        self.name = name
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.shell("sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0")
        self.batch(LINKS)
        for link in ("intranet0", "usb0", "wwan0", "far0", "far1", "far2"):
            self.run("ip", "link", "set", link, "up")
        self.batch(CONFIGURED)
        self.run("nft", "-f", "-", told=FOREIGN)
        until(lambda: '"operstate":"DOWN"' not in self.run("ip", "-j", "link"), seconds=5)
        self.place = Place(name)

    def run(self, *words, told=""):
        done = subprocess.run(
            ["ip", "netns", "exec", self.name, *words],
            input=told, capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shell(self, script):
        self.run("sh", "-c", script)

    def batch(self, commands):
        for line in commands.strip().splitlines():
            self.run("ip", *line.split())

    def rules(self):
        return self.run("nft", "list", "ruleset")

    def settles_to(self, before):
        """Whether the configuration becomes this one: what the kernel does when a link comes
        up (operstate, its own address) takes it a moment.
        """
        return until(lambda: self.configuration() == before, seconds=5, told="as it was before")

    def configuration(self):
        """Everything that `ip` shows, sorted: equal routes of several links (fe80::/64 of each)
        stand in the order in which the links came up.
        """
        return "\n".join(
            str(sorted(map(str, json.loads(self.run("ip", "-j", *words.split()) or "[]"))))
            for words in (
                "address", "link", "route show table all", "-6 route show table all",
                "rule", "neighbour show nud permanent",
            )
        )  # fmt: skip

    def is_up(self, link):
        (told,) = json.loads(self.run("ip", "-j", "link", "show", link))
        return "UP" in told["flags"]

    def close(self):
        self.place.close()
        subprocess.run(["ip", "netns", "delete", self.name], check=False)


@pytest.fixture
def machine():
    made = Machine(f"wwcut{os.getpid()}")
    yield made
    made.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / MEMORY


def begun(machine, path):
    return machine.place.call(Cuts, path, KernelHands())


def cut(machine, cuts, interface, way="nftables"):
    wish = Wish(ground="EXT-04", interface=interface)
    return machine.place.call(cuts.make, wish, Containment(way=way, hold="1h"), at_us=NOW_US)


def undo(machine, cuts, interface, actor="engineer"):
    return machine.place.call(cuts.undo, cuts.of(interface), actor=actor, at_us=NOW_US)


@pytest.mark.parametrize("way", ["nftables", "link_down"])
def test_two_links_are_cut_and_restored_byte_for_byte(machine, path, way):
    rules, configuration = machine.rules(), machine.configuration()
    cuts = begun(machine, path)

    acts = [cut(machine, cuts, link, way) for link in ("usb0", "wwan0")]
    while_cut = machine.rules(), machine.configuration()
    undone = [undo(machine, cuts, link) for link in ("usb0", "wwan0")]

    assert [(a.action, a.interface, a.until_us) for a in acts] == [
        ("cut", "usb0", NOW_US + HOUR_US), ("cut", "wwan0", NOW_US + HOUR_US),
    ]  # fmt: skip
    assert (while_cut[0] != rules, while_cut[1] != configuration) == (
        way == "nftables", way == "link_down",
    )  # fmt: skip
    assert machine.rules() == rules
    assert machine.settles_to(configuration)
    assert [(a.action, a.actor, a.reason) for a in undone] == [("undone", "engineer", "")] * 2


def test_one_of_two_links_can_be_given_back(machine, path):
    cuts = begun(machine, path)
    for link in ("usb0", "wwan0"):
        cut(machine, cuts, link)

    undo(machine, cuts, "usb0")

    assert ('"usb0"' in machine.rules(), '"wwan0" drop' in machine.rules()) == (False, True)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("way", ["nftables", "link_down"])
def test_whoever_is_killed_in_the_middle_leaves_what_the_next_one_can_undo(
    machine, path, way, moment
):
    rules, configuration = machine.rules(), machine.configuration()
    killed = subprocess.run(
        ["ip", "netns", "exec", machine.name, sys.executable, "-c", KILLED_AFTER_REMEMBERING,
         str(path), moment, way],
        cwd=netns.ROOT, check=False, timeout=30,
    )  # fmt: skip

    cuts = begun(machine, path)
    untold = cuts.untold()
    undo(machine, cuts, "usb0")

    assert killed.returncode == -signal.SIGKILL
    assert [act.action for act in untold] == ["cut"]
    assert machine.rules() == rules
    assert machine.settles_to(configuration)


def test_a_flushed_packet_filter_is_cut_again(machine, path):
    cuts = begun(machine, path)
    cut(machine, cuts, "usb0")
    machine.run("nft", "flush", "ruleset")

    machine.place.call(cuts.hold, NetworkState(links=(), routes=()))

    assert 'iifname "usb0" drop' in machine.rules()


def test_a_link_that_left_and_came_back_under_its_name_is_still_cut(machine, path):
    cuts = begun(machine, path)
    cut(machine, cuts, "usb0")

    machine.batch("link delete usb0\nlink add usb0 type veth peer name far9")
    machine.batch("link set usb0 up")

    assert 'iifname "usb0" drop' in machine.rules()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b'{"cuts": 7}', b'{"cuts": [{"interface": ""}]}', b"[" * 20_000],
)
def test_a_spoilt_memory_is_set_aside_and_leaves_nothing_cut(machine, path, content):
    rules = machine.rules()
    cut(machine, begun(machine, path), "usb0")
    path.write_bytes(content)

    cuts = begun(machine, path)

    assert cuts.standing == ()
    assert machine.rules() == rules
    assert [(act.action, act.reason) for act in cuts.untold()] == [("undone", "memory_lost")]
    assert path.with_name(f"{MEMORY}.broken").read_bytes() == content


@pytest.mark.parametrize("name", ["eth*", 'a"b', "x;flush", "-"])
def test_a_link_with_a_hostile_name_cuts_itself_alone(machine, path, name):
    rules = machine.rules()
    cuts = begun(machine, path)
    machine.run("ip", "link", "add", "name", name, "type", "veth", "peer", "name", "far8")

    cut(machine, cuts, name)

    assert machine.rules().count(" drop") == 4
    undo(machine, cuts, name)
    assert machine.rules() == rules


def test_a_link_that_is_gone_is_no_cut(machine, path):
    cuts = begun(machine, path)

    with pytest.raises(OSError, match="gone") as refusal:
        cut(machine, cuts, "usb7", "link_down")

    assert refusal.value.errno == errno.ENODEV
    assert load(path).cuts == ()


def test_what_a_command_undid_is_excused_for_as_long_as_it_was_to_hold(machine, path):
    cuts = begun(machine, path)
    cut(machine, cuts, "usb0")
    undo(machine, cuts, "usb0")

    again = begun(machine, path)

    assert again.is_excused("usb0", NOW_US + HOUR_US - 1)
    assert not again.is_excused("usb0", NOW_US + HOUR_US)
    assert not again.is_excused("wwan0", NOW_US)
