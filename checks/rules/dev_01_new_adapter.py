"""A network card appeared that this machine never had before.

The agent remembers every adapter by the address that its maker gave it, across restarts and
sockets.  A second card is the beginning of a second network; a new Wi-Fi stick or dock may be
somebody's own.  The first start after the installation only takes note.

A telephone, modem or other mobile uplink is EXT-04, links without hardware (bridges, tunnels,
virtual machines) are not counted, and an approved device is none.
"""

from collections.abc import Iterator

from checks.approved_devices import device_standing
from checks.check import Context, check
from checks.facts.network import Link
from checks.facts.place import AdapterAppeared
from checks.finding import Finding

APPEARED = "a new network card: {device} ({link_kind}) as {interface}, hardware address {mac}"


@check(
    rule="DEV-01",
    on=AdapterAppeared,
    remedy=(
        "Ask who put it in and what for. Have it taken out, or approved by the security officer "
        "as a device of this machine."
    ),
)
def new_adapter(fact: AdapterAppeared, context: Context) -> Iterator[Finding]:
    link = Link(index=0, name=fact.interface, kind=fact.adapter, mac=fact.mac, device=fact.device)
    if device_standing(link, context).is_settled:
        return
    yield Finding(
        subject=fact.mac or fact.device or fact.interface,
        message=APPEARED,
        params={
            "device": fact.description or fact.device or fact.interface,
            "link_kind": fact.adapter,
            "interface": fact.interface,
            "mac": fact.mac or "-",
        },
    )
