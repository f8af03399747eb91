"""What an entry of the allow-list must keep to: the place, and what must not raise.

Old policies are read again when the store is rebuilt, so only what could not be evaluated
is refused here; how long an approval may last is `checks.policy.limits`.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from functools import partial

from checks.policy.allowlist import Approved, ApprovedDevice, is_host_name
from checks.policy.error import PolicyError
from checks.policy.moments import begins_us, ends_us
from checks.policy.schedule import weekly_time

Promise = tuple[str, Callable[[], object]]
"""A place in the policy, and what raises ValueError or PolicyError when it is broken."""


def promises_of_approved(entry: Approved, place: str, timezone: str) -> Iterator[Promise]:
    yield f"{place}.approver", partial(_two_people, entry)
    yield f"{place}.expires", partial(_has_end, entry)
    yield from _moments(entry, place, timezone)
    for destination in entry.destinations:
        yield f"{place}.destinations", partial(_destination, destination)
    for times in entry.schedule:
        yield f"{place}.schedule", partial(weekly_time, times)
    if entry.gateway:
        yield f"{place}.gateway", partial(ipaddress.ip_address, entry.gateway)
    if entry.gateway_mac:
        yield f"{place}.gateway_mac", partial(mac, entry.gateway_mac)
    if entry.contact:
        yield f"{place}.contact", partial(mail_address, entry.contact)
    for process in entry.subject.processes:
        yield f"{place}.subject.processes", partial(_process, process)


def promises_of_device(entry: ApprovedDevice, place: str, timezone: str) -> Iterator[Promise]:
    yield f"{place}.approver", partial(_two_people, entry)
    yield from _moments(entry, place, timezone)
    if not (entry.mac or entry.device or entry.interface):
        yield place, _names_no_device
    if entry.mac:
        yield f"{place}.mac", partial(mac, entry.mac)
    if entry.contact:
        yield f"{place}.contact", partial(mail_address, entry.contact)
    if entry.subject.processes or entry.subject.users:
        yield f"{place}.subject", _names_no_endpoint


def _moments(entry: Approved | ApprovedDevice, place: str, timezone: str) -> Iterator[Promise]:
    yield f"{place}.starts", partial(begins_us, entry.starts, timezone)
    yield f"{place}.expires", partial(ends_us, entry.expires, timezone)


def _two_people(entry: Approved | ApprovedDevice) -> None:
    if entry.applicant and entry.applicant == entry.approver:
        raise PolicyError("nobody approves what he applied for")


def _has_end(entry: Approved) -> None:
    if entry.allows and not entry.expires:
        raise PolicyError("missing required field `expires`: every approval ends")


def _destination(text: str) -> None:
    if not text.isascii():  # as resolvers are asked for it: RFC 5890 2.3.2.1
        raise PolicyError(f"{text[:80]!r} is written in its ASCII form, like xn--fiqs8s")
    if not is_host_name(text):
        ipaddress.ip_network(text)


_SHA256 = re.compile("sha256:[0-9a-fA-F]{64}")


def _process(text: str) -> None:
    if text.startswith("sha256:") and not _SHA256.fullmatch(text):
        raise PolicyError(f"{text[:80]!r} is no hash; write sha256: and 64 hexadecimal digits")


def _names_no_device() -> None:
    raise PolicyError("give mac, device or interface; without all three it would be any device")


def _names_no_endpoint() -> None:
    raise PolicyError("a device is approved for endpoints, groups and departments only")


_MAC = re.compile("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){2}((:[0-9a-fA-F]{2}){3})?")


def mac(text: str) -> None:
    """Raises PolicyError."""
    if not _MAC.fullmatch(text):
        raise PolicyError(
            f"{text[:40]!r} is no hardware address; write it like 52:54:00:aa:bb:01, or its "
            "first three octets"
        )


_ADDRESS = re.compile(r"""[^\s@<>()\[\],;:"\\]+@[^\s@<>()\[\],;:"\\]+""")


def mail_address(address: str) -> None:
    """As mail servers take it (RFC 5321 4.1.2), without quotes and display names; raises
    PolicyError.
    """
    if not _ADDRESS.fullmatch(address) or not address.isprintable():
        raise PolicyError(f"{address[:80]!r} is no mail address; write it like duty@hospital.cn")
