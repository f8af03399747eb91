"""Our netlink tables against iproute2, in a namespace with something to see."""

import json
import subprocess
import sys

import pytest

from tests.netns import Hospital, hospital, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "namespaces work")

READ = """
import json
from dataclasses import asdict
from agent.system.netlink import RouteTables
tables = RouteTables()
print(json.dumps({
    "links": [asdict(row) for row in tables.links()],
    "addresses": [asdict(row) for row in tables.addresses()],
    "routes": [asdict(row) for row in tables.routes()],
    "neighbours": [asdict(row) for row in tables.neighbours()],
}))
"""


@pytest.fixture(scope="module")
def wards():
    with hospital() as built:
        run = lambda *words: built.run(built.workstation, "ip", *words)  # noqa: E731 - a word
        run("link", "add", "br0", "type", "bridge")
        run("link", "set", "br0", "up")
        run("link", "add", "tap0", "type", "veth", "peer", "name", "tap1")
        run("link", "set", "tap0", "master", "br0")
        run("address", "add", "192.168.5.1/29", "dev", "br0")
        run("route", "add", "203.0.113.0/24", "via", "10.77.1.9", "metric", "50")
        run("route", "add", "192.0.2.0/24", "via", "10.77.1.8", "table", "1000")
        run(
            "route",
            "add",
            "198.18.0.0/15",
            "nexthop",
            "via",
            "10.77.1.5",
            "nexthop",
            "via",
            "10.77.1.6",
        )
        run("route", "add", "blackhole", "198.19.1.0/24")
        run("neighbour", "add", "10.77.1.50", "lladdr", "02:00:00:00:00:50", "dev", "intranet0")
        yield built  # fmt: skip


@pytest.fixture(scope="module")
def ours(wards: Hospital):
    return json.loads(wards.run(wards.workstation, sys.executable, "-c", READ))


def theirs(wards: Hospital, *words: str):
    command = ["ip", "-netns", wards.workstation, "-json", "-details", *words]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def test_links_against_ip(wards, ours):
    expected = {
        (
            row["ifindex"],
            row["ifname"],
            row.get("address", ""),
            row.get("linkinfo", {}).get("info_kind", ""),
            "UP" in row["flags"],
            row.get("master", ""),
        )
        for row in theirs(wards, "link", "show")
    }
    names = {row["index"]: row["name"] for row in ours["links"]}

    assert len(expected) >= 5
    assert {
        (
            row["index"],
            row["name"],
            row["mac"],
            row["rtnl_kind"],
            bool(row["flags"] & 1),
            names.get(row["master"], ""),
        )
        for row in ours["links"]
    } == expected


def test_addresses_against_ip(wards, ours):
    expected = {
        (link["ifindex"], row["local"], row["prefixlen"], row["scope"])
        for link in theirs(wards, "address", "show")
        for row in link["addr_info"]
    }

    assert len(expected) >= 6
    assert {
        (row["index"], row["address"], row["prefix_length"], row["scope"])
        for row in ours["addresses"]
    } == expected


def test_routes_against_ip(wards, ours):
    names = {row["index"]: row["name"] for row in ours["links"]}
    expected = set()
    for family in ("-4", "-6"):
        for row in theirs(wards, family, "route", "show", "table", "all"):
            if row.get("type", "unicast") != "unicast" or row.get("table") == "local":
                continue
            for hop in row.get("nexthops", [row]):
                expected.add((row["dst"], hop["dev"], hop.get("gateway", ""), row.get("metric", 0)))

    def as_ip_says(destination: str) -> str:
        if destination in ("0.0.0.0/0", "::/0"):
            return "default"
        return destination.removesuffix("/32").removesuffix("/128")

    assert len(expected) >= 8
    assert {
        (as_ip_says(r["destination"]), names[r["index"]], r["gateway"], r["metric"])
        for r in ours["routes"]
    } == expected


def test_neighbours_against_ip(wards, ours):
    expected = {
        (row["dst"], row["lladdr"])
        for row in theirs(wards, "neighbour", "show", "nud", "permanent")
    }

    assert ("10.77.1.50", "02:00:00:00:00:50") in expected
    assert expected <= {(row["address"], row["mac"]) for row in ours["neighbours"]}
