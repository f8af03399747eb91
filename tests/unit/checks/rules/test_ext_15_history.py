from datetime import date

import pytest

from checks.facts.history import OutreachHistory, Trace
from checks.policy import parse_policy
from tests.samples import judged

POLICY = parse_policy(
    f"""
[[zones]]
name = "intranet"
prefixes = ["10.20.0.0/16"]

[[wireless.listed]]
ssid = "ward"

[[devices]]
name = "ambulance modem"
kind = "modem"
device = "12d1:1506:1"
applicant = "li"
approver = "wang"
starts = {date(2025, 6, 1)}
expires = {date(2026, 5, 1)}
"""
)


def trace(what: str, name: str, detail: str = "") -> Trace:
    return Trace(what=what, name=name, source="/etc/x", detail=detail)


@pytest.mark.parametrize(
    ("traces", "number"),
    [
        ((), None),
        ((trace("wifi_profile", "ward"),), None),
        ((trace("dhcp_lease", "10.20.3.7"),), None),
        ((trace("modem", "CMCC", "12d1:1506:1"),), None),
        ((trace("wifi_profile", "home"),), "1"),
        ((trace("dhcp_lease", "192.168.42.7"), trace("dhcp_lease", "rubbish")), "2"),
        ((trace("vpn_profile", "office"), trace("usb_network", "rndis_host")), "2"),
    ],
)
def test_what_the_policy_does_not_explain_is_one_finding_with_its_counts(traces, number):
    verdicts = [v for v in judged(OutreachHistory(traces=traces), policy=POLICY) if v.finding]

    assert [v.finding.params["number"] for v in verdicts] == ([number] if number else [])


def test_the_kinds_are_counted_and_some_are_named():
    traces = (trace("wifi_profile", "home"), trace("wifi_profile", "cafe"), trace("modem", "CMCC"))

    [verdict] = judged(OutreachHistory(traces=traces), policy=POLICY)

    assert verdict.finding.params == {
        "number": "3",
        "wifi": "2",
        "leases": "0",
        "devices": "1",
        "vpns": "0",
        "examples": "home, cafe, CMCC",
    }
