"""A mobile uplink: a telephone, a modem or another device that leads outside.

A device that shares a mobile connection is attached to this machine: a telephone with USB
tethering (RNDIS, CDC-ECM, CDC-NCM, Apple), a 3G/4G/5G modem, a Bluetooth network, infrared.
Its kind is told from what the kernel knows of the device, never from the interface's name.

Seen alone it is grave; with an address or a route of its own it is critical, for then the
way out stands open.  A device that the policy approves is none; one whose approval has
lapsed is EXT-16.
"""

from collections.abc import Iterator

from checks.approved_devices import attached_standing, device_standing
from checks.check import Context, check
from checks.facts.network import Link, NetworkState, UplinkDevice
from checks.finding import Finding
from checks.plan import MOBILE, is_local

SEEN = "{device} ({link_kind}) is attached to this machine"
CONNECTED = "{device} ({link_kind}) gave {interface} the address {address}"
ROUTED = "{device} ({link_kind}) is a default route over {interface}"


@check(
    rule="EXT-04",
    on=(NetworkState, UplinkDevice),
    remedy=(
        "Have the device unplugged at once and noted with its owner. It never belongs on a "
        "machine of the hospital network."
    ),
)
def mobile_uplink(fact: NetworkState | UplinkDevice, context: Context) -> Iterator[Finding]:
    if isinstance(fact, UplinkDevice):
        is_mobile = fact.action == "attached" and fact.uplink in MOBILE
        if is_mobile and not attached_standing(fact, context).is_settled:
            yield _seen(fact.device, fact.description, fact.uplink, fact.interface)
        return
    for link in fact.links:
        leads_out = context.policy.plan.leads_mobile(link, fact.routes)
        if leads_out and not device_standing(link, context).is_settled:
            yield _connected(link, fact)


def _connected(link: Link, network: NetworkState) -> Finding:
    own = [a.address for a in link.addresses if not is_local(a.address)]
    default = any(r.interface == link.name and r.is_default for r in network.routes)
    if not own and not default:
        return _seen(link.device or link.name, link.description, link.kind, link.name)
    return Finding(
        subject=link.device or link.name,
        message=CONNECTED if own else ROUTED,
        params={**_params(link.device, link.description, link.kind, link.name), "address": own[0]}
        if own
        else _params(link.device, link.description, link.kind, link.name),
        grade="connected",
    )


def _seen(device: str, description: str, kind: str, interface: str) -> Finding:
    return Finding(
        subject=device or interface,
        message=SEEN,
        params=_params(device, description, kind, interface),
    )


def _params(device: str, description: str, kind: str, interface: str) -> dict[str, str]:
    return {
        "device": description or device or interface,
        "link_kind": kind,
        "interface": interface,
    }
