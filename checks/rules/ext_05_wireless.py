"""Wireless: an unlisted network, a radio where none may be, or an access point of this machine.

This machine is connected to a wireless network that the policy does not list (name, access
point and authentication must all fit); or a radio is enabled on an endpoint that may have
none; or this machine is itself an access point and shares its connection with whoever is near.

A laptop that is off the intranet may be on its own Wi-Fi: what it reaches there is EXT-02.
A radio that is present but switched off is EXT-14, a modem EXT-04.
"""

from collections.abc import Iterator

from checks.approved_devices import device_standing
from checks.check import Context, check
from checks.facts.network import Link, NetworkState, Wifi
from checks.facts.radios import Radio, RadioState
from checks.facts.witness import IntranetWitness
from checks.finding import Finding
from checks.intranet import intranet_links
from checks.links import listed, serves_others
from checks.plan import egress_over
from checks.wired_only import is_wired_only

UNLISTED = "{interface} is connected to the wireless network {ssid} ({bssid}), which is not listed"
HOTSPOT = "this machine is a wireless access point on {interface}: {ssid}"
ENABLED = "the radio {device} ({radio}) is enabled on an endpoint that may have none"


@check(
    rule="EXT-05",
    on=(NetworkState, RadioState),
    uses=(IntranetWitness,),
    remedy=(
        "Have the wireless connection switched off and its profile removed. A network of the "
        "hospital is entered in the list with its access points and its authentication."
    ),
)
def wireless(fact: NetworkState | RadioState, context: Context) -> Iterator[Finding]:
    if isinstance(fact, RadioState):
        if is_wired_only(context):
            yield from (_enabled(radio) for radio in fact.radios if _speaks(radio))
        return
    at_home = bool(intranet_links(fact, context)) or is_wired_only(context)
    for link in fact.links:
        if link.wifi is None or not link.up:
            continue
        if serves_others(link):
            yield Finding(
                subject=link.name,
                message=HOTSPOT,
                params=_params(link, link.wifi),
                grade="hotspot",
            )
        elif at_home and _is_strange(link, link.wifi, fact, context):
            yield Finding(subject=link.name, message=UNLISTED, params=_params(link, link.wifi))


def _is_strange(link: Link, wifi: Wifi, network: NetworkState, context: Context) -> bool:
    """Connected, and not listed; where nothing is listed, the address plan's ways count.  A
    card whose own approval has lapsed is EXT-16.
    """
    if not wifi.ssid or device_standing(link, context).lapse is not None:
        return False
    if context.policy.wireless.listed:
        return not listed(wifi, context.policy.wireless)
    return not context.policy.plan.knows_uplink(egress_over(link, None, network.routes))


def _speaks(radio: Radio) -> bool:
    return radio.enabled and radio.kind != "modem"


def _enabled(radio: Radio) -> Finding:
    return Finding(
        subject=radio.device,
        message=ENABLED,
        params={"device": radio.description or radio.device, "radio": radio.kind},
        grade="enabled",
    )


def _params(link: Link, wifi: Wifi) -> dict[str, str]:
    return {"interface": link.name, "ssid": wifi.ssid or "-", "bssid": wifi.bssid or "-"}
