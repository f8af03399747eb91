"""An extra uplink is cut by a real agent, and nothing else is: issue 3, line 8."""

import json
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests import netns
from tests.support.live import WITHOUT_OTHERS, NotInTime, Place, running, until

pytestmark = pytest.mark.skipif(
    bool(netns.missing()) or not shutil.which("nft"),
    reason=netns.missing() or "the tool nft (Debian package nftables) is missing",
)

POLICY = (
    'mode = "enforce"\n'
    + netns.POLICY
    + '\n[containment]\nrules = ["EXT-01", "EXT-03", "EXT-04"]\nhold = "{hold}"\nway = "{way}"\n'
    + WITHOUT_OTHERS
)
FOREIGN = """
table ip nat {
  chain DOCKER { counter return; }
  chain POSTROUTING {
    type nat hook postrouting priority srcnat; policy accept;
    oifname != "docker0" ip saddr 172.17.0.0/16 masquerade
  }
}
table inet firewalld {
  set allowed { type ipv4_addr; elements = { 10.77.2.1 } }
  chain filter_INPUT {
    type filter hook input priority filter + 10; policy accept;
    ct state { established, related } accept
    iifname "lo" accept
    ip saddr @allowed accept
  }
}
"""
"""Rules that others had before us, as Docker and firewalld write them."""
ECHO = """
import socket
s = socket.create_server(("", 8080)); print(flush=True)
peer, _ = s.accept()
while octets := peer.recv(1):
    peer.sendall(octets)
"""
SESSION = """
import socket, sys
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
for line in sys.stdin:
    peer.sendall(b"x")
    print(len(peer.recv(1)), flush=True)
"""


def ward(tmp_path, *, hold="4h", way="nftables", enrol_words=()):
    policy = POLICY.replace("{hold}", hold).replace("{way}", way)
    return Ward(tmp_path, policy, enrol_words)


class Ward:
    """A workstation with foreign packet-filter rules, an agent, and a collector inside."""

    def __init__(self, tmp_path, policy, enrol_words):
        self.enrol_words = enrol_words
        self.tmp_path = tmp_path
        self.policy = policy

    def __enter__(self):
        self._hospital = netns.hospital()
        self.hospital = self._hospital.__enter__()
        subprocess.run(
            self.hospital.inside(self.hospital.workstation, "nft", "-f", "-"),
            input=FOREIGN, text=True, check=True,
        )  # fmt: skip
        self.inside = Place(self.hospital.router)
        self.workstation = Place(self.hospital.workstation)
        self._server = self.hospital.start(
            self.hospital.router, sys.executable, "-c", ECHO, stdout=subprocess.PIPE
        )
        self._server.stdout.readline()
        self._running = running(
            self.tmp_path,
            policy=self.policy,
            host=netns.SERVER,
            collector_place=self.inside,
            agent_place=self.workstation,
            enrol_words=self.enrol_words,
        )
        self.collector, self.agent = self._running.__enter__()
        self.agent.watching("network", "connections", "containment")
        return self

    def __exit__(self, *failure):
        self._running.__exit__(*failure)
        self._server.kill()
        self._server.communicate()
        for place in (self.inside, self.workstation):
            place.close()
        self._hospital.__exit__(*failure)

    def run(self, *words):
        return self.hospital.run(self.hospital.workstation, *words)

    def ruleset(self):
        return self.run("nft", "list", "ruleset")

    def configuration(self):
        """Links, addresses and routes as `ip` tells them, without what counts by itself."""
        return {
            what: json.loads(self.run("ip", "-j", *words) or "[]")
            for what, words in {
                "links": ("link",),
                "addresses": ("address",),
                "routes": ("route", "show", "table", "all"),
                "routes6": ("-6", "route", "show", "table", "all"),
                "rules": ("rule",),
                "neighbours": ("neighbour", "show", "nud", "permanent"),
            }.items()
        }

    def acts(self):
        """What was done, oldest first: action and interface."""
        answer = self.collector.get("/api/v1/observations", kind="containment", limit=100)
        answer.raise_for_status()
        seen = [item["fact"] for item in answer.json()["observations"]]
        return sorted((f["action"], f["interface"]) for f in seen), seen

    def act(self, action):
        def done():
            return next((fact for fact in self.acts()[1] if fact["action"] == action), None)

        try:
            return until(done, told=f"a containment {action}")
        except NotInTime as late:
            raise NotInTime(f"{late}; {self.acts()}, {self.collector.rules()}") from late

    def heard(self, address):
        """Whether the collector knows of a state of the network with this address."""
        return address in self.collector.get("/api/v1/observations", kind="network").text

    def reaches(self, address):
        ping = self.hospital.inside(
            self.hospital.workstation, "ping", "-c", "1", "-W", "1", address
        )
        return subprocess.run(ping, capture_output=True, check=False).returncode == 0

    def session(self):
        """A TCP session with an inside server, open until its input ends."""
        return self.hospital.start(
            self.hospital.workstation, sys.executable, "-c", SESSION, netns.SERVER, "8080",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip


def still_answers(session):
    session.stdin.write("again\n")
    session.stdin.flush()
    return session.stdout.readline() == "1\n"


def test_the_tether_is_cut_the_intranet_survives_and_a_command_restores_everything(tmp_path):
    with ward(tmp_path) as there, there.session() as session:
        assert still_answers(session)
        rules = there.ruleset()

        there.hospital.plug_second_link()
        cut = there.act("cut")
        configured = there.configuration()

        assert (cut["interface"], cut["ground"], cut["actor"], cut["way"]) == (
            netns.SECOND_LINK, "EXT-03", "policy", "nftables",
        )  # fmt: skip
        assert not there.reaches(netns.SECOND_OUTSIDE)
        assert there.reaches(netns.SERVER)
        assert still_answers(session)
        assert "table inet wardwatch" in there.ruleset()
        assert there.agent.run("release", netns.SECOND_LINK) == (
            f"{netns.SECOND_LINK}: no longer cut\n"
        )
        undone = there.act("undone")
        assert undone["actor"] not in ("policy", "timer", "removal", "")
        assert there.ruleset() == rules
        assert there.configuration() == configured
        assert there.reaches(netns.SECOND_OUTSIDE)
        assert still_answers(session)
        there.run("ip", "address", "add", "10.77.9.3/24", "dev", netns.SECOND_LINK)
        until(lambda: there.heard("10.77.9.3"), told="the agent has seen the new address")
        assert there.ruleset() == rules, "what a command undid is not cut again at once"
        session.stdin.close()


def test_a_cut_that_fell_due_while_the_agent_was_dead_is_undone_at_its_start(tmp_path):
    with ward(tmp_path, hold="6s", way="link_down") as there:
        rules = there.ruleset()
        there.hospital.plug_second_link()
        cut = there.act("cut")
        there.agent.end(signal.SIGKILL)
        down = there.run("ip", "-j", "link", "show", netns.SECOND_LINK)
        until(lambda: time.time_ns() // 1000 > cut["until_us"], told="the cut is due")

        there.agent.start()
        undone = there.act("undone")

        assert '"UP"' not in down
        assert (undone["actor"], undone["way"]) == ("timer", "link_down")
        until(lambda: there.reaches(netns.SECOND_OUTSIDE), told="the link works again")
        assert there.ruleset() == rules


def test_a_stopped_agent_leaves_its_cut_and_its_removal_does_not(tmp_path):
    with ward(tmp_path) as there:
        rules = there.ruleset()
        there.hospital.plug_second_link()
        there.act("cut")
        there.agent.end()
        while_stopped = there.ruleset()

        said = there.agent.run("release", "--removal")
        after = there.ruleset()
        there.agent.start()
        undone = there.act("undone")

        assert "table inet wardwatch" in while_stopped
        assert said == f"{netns.SECOND_LINK}: no longer cut\n"
        assert after == rules
        assert undone["actor"] == "removal"


def test_a_clinical_endpoint_is_left_alone_and_says_so(tmp_path):
    with ward(tmp_path, enrol_words=("--clinical", "icu")) as there:
        rules = there.ruleset()

        there.hospital.plug_second_link()
        refused = there.act("refused")

        assert refused["reason"] == "clinical"
        assert there.ruleset() == rules
        assert there.reaches(netns.SECOND_OUTSIDE)
