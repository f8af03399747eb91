"""Traces of earlier outreach: this machine remembers networks that are not the hospital's.

Found when the agent is installed, and when it comes back: Wi-Fi networks that were joined,
addresses that were leased elsewhere, modems and telephones that gave a network over USB or
Bluetooth, VPN profiles.  Each proves that the machine was, or was about to be, outside.

What the address plan, the listed wireless networks or the approved devices explain does not
count.  The case holds the number of traces of each kind; nothing secret is read.
"""

from collections import Counter
from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.history import OutreachHistory, Trace
from checks.finding import Finding
from checks.plan import parsed_address

SUBJECT = "history"
EXAMPLES = 5
REMEMBERED = (
    "this machine remembers {number} ways outside: {wifi} wireless networks, {leases} leased "
    "addresses, {devices} modems and telephones, {vpns} VPN profiles; for instance {examples}"
)


@check(
    rule="EXT-15",
    on=OutreachHistory,
    remedy=(
        "Ask the user when and why the machine was outside, and note the answer. Then have the "
        "profiles deleted."
    ),
)
def history(fact: OutreachHistory, context: Context) -> Iterator[Finding]:
    left = [trace for trace in fact.traces if not _is_explained(trace, context)]
    if not left:
        return
    kinds = Counter(trace.what for trace in left)
    examples = dict.fromkeys(trace.name for trace in left)
    yield Finding(
        subject=SUBJECT,
        message=REMEMBERED,
        params={
            "number": str(len(left)),
            "wifi": str(kinds["wifi_profile"]),
            "leases": str(kinds["dhcp_lease"]),
            "devices": str(kinds["modem"] + kinds["usb_network"] + kinds["bluetooth"]),
            "vpns": str(kinds["vpn_profile"]),
            "examples": ", ".join(list(examples)[:EXAMPLES]),
        },
    )


def _is_explained(trace: Trace, context: Context) -> bool:
    policy = context.policy
    if trace.what == "wifi_profile":
        return any(listed.ssid == trace.name for listed in policy.wireless.listed)
    if trace.what == "dhcp_lease":
        return _is_planned(trace.name, context)
    own = {trace.name, *trace.detail.split()}
    return any(
        {approved.mac, approved.device, approved.interface, approved.name} & own - {""}
        for approved in policy.devices
    )


def _is_planned(address: str, context: Context) -> bool:
    try:
        parsed_address(address)
    except ValueError:
        return False
    return context.policy.plan.holds(address)
