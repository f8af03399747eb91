"""Our reading of the packet filter's rules against nft's own."""

import json
import shutil
import sys

import pytest

from tests.netns import hospital, missing

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "namespaces work"),
    pytest.mark.skipif(
        shutil.which("nft") is None, reason="the tool nft (Debian package nftables) is missing"
    ),
]

RULES = """
table ip nat {
  chain post {
    type nat hook postrouting priority 100;
    ip saddr 172.17.0.0/16 oifname != "docker0" masquerade
    oifname "intranet0" counter masquerade
    ip saddr 192.168.122.0/25 snat to 10.77.1.2
    ip daddr 10.77.2.1 accept
  }
  chain pre {
    type nat hook prerouting priority -100;
    tcp dport 80 dnat to 10.77.1.2
  }
}
table inet both {
  chain post {
    type nat hook postrouting priority 100;
    oifname "intranet0" ip6 saddr fd00:1::/64 masquerade
    ip saddr 10.1.2.3 masquerade
  }
}
table arp quiet {
  chain in {
    type filter hook input priority 0;
  }
}
"""
READ = """
import msgspec
from agent.system.nftables import PacketFilterRules
print(msgspec.json.encode(PacketFilterRules().translations()).decode())
"""


def test_every_source_translation_is_found_and_nothing_else():
    with hospital() as wards:
        wards.run(wards.workstation, "nft", RULES)
        theirs = json.loads(wards.run(wards.workstation, "nft", "-j", "list", "ruleset"))
        ours = json.loads(wards.run(wards.workstation, sys.executable, "-c", READ))

    expected = sorted(
        expected_of(entry["rule"]) for entry in theirs["nftables"] if translates(entry)
    )
    assert len(expected) == 5
    assert sorted(as_one(rule) for rule in ours) == expected


def translates(entry):
    names = {name for each in entry.get("rule", {}).get("expr", ()) for name in each}
    return bool(names & {"masquerade", "snat"})


def expected_of(rule):
    interface = source = ""
    for each in rule["expr"]:
        match = each.get("match")
        if match is None or match["op"] != "==":
            continue
        left, right = match["left"], match["right"]
        if left.get("meta", {}).get("key") == "oifname":
            interface = right
        elif left.get("payload", {}).get("field") == "saddr":
            source = prefix_of(right)
    return (rule["family"], rule["table"], rule["chain"], interface, source)


def prefix_of(right):
    if isinstance(right, str):
        return f"{right}/{128 if ':' in right else 32}"
    return f"{right['prefix']['addr']}/{right['prefix']['len']}"


def as_one(rule):
    return tuple(rule.get(key, "") for key in ("family", "table", "chain", "interface", "source"))
