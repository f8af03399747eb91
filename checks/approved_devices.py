"""Where a network device stands with `policy.devices`, and which entry decided."""

import msgspec

from checks.approvals import Lapse, why_lapsed
from checks.check import Context
from checks.facts.network import Link, UplinkDevice
from checks.plan import same_mac
from checks.subjects import names_endpoint


class DeviceStanding(msgspec.Struct, frozen=True, kw_only=True):
    """`entry` names the approval in force for a device, empty when none is; `lapse` is one
    that is no longer, or not yet.
    """

    entry: str = ""
    lapse: Lapse | None = None

    @property
    def accepted(self) -> bool:
        return bool(self.entry)

    @property
    def is_settled(self) -> bool:
        """Whether no other rule than EXT-16 has anything to say of this device."""
        return bool(self.entry) or self.lapse is not None


def device_standing(link: Link, context: Context) -> DeviceStanding:
    """Where a link's device stands with `policy.devices`: the first entry in force of its
    kind whose MAC, device and interface are the link's, as far as they are given.
    """
    return _device(link.kind, link.mac, link.device, link.name, context)


def attached_standing(attached: UplinkDevice, context: Context) -> DeviceStanding:
    """The same of a device that has no link yet; an entry that names a MAC is for a link
    only, because a device alone has none.
    """
    return _device(attached.uplink, "", attached.device, attached.interface, context)


def _device(kind: str, mac: str, device: str, name: str, context: Context) -> DeviceStanding:
    lapse: Lapse | None = None
    for entry in context.policy.devices:
        named = (
            (not entry.mac or (bool(mac) and same_mac(mac, entry.mac)))
            and entry.device in ("", device)
            and entry.interface in ("", name)
        )
        if entry.kind != kind or not named or not names_endpoint(entry.subject, context.endpoint):
            continue
        why = why_lapsed(entry.at(context.moment_us, context.policy.zone_info))
        if why is None:
            return DeviceStanding(entry=entry.name)
        lapse = lapse or Lapse(entry=entry, why=why)
    return DeviceStanding(lapse=lapse)
