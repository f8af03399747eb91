"""The policy's door: TOML over the defaults, converted and validated once.

`defaults.toml` holds every threshold, clock and severity; the hospital's `policy.toml`
names what differs.
"""

import functools
import ipaddress
import re
import tomllib
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import partial
from importlib.resources import files
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec

from checks.facts.network import LinkKind
from checks.plan import Zone
from checks.policy import allowlist, document, network
from checks.policy.allowlist import Approved
from checks.policy.document import Policy, Thresholds
from checks.policy.error import PolicyError
from checks.policy.network import Binding, KnownHost
from checks.policy.spans import span

BYTE_ORDER_MARK = "\ufeff"
"""What some editors write before the first line."""


def parse_policy(text: str, *, version: int = 0) -> Policy:
    """Policy from the TOML of policy.toml laid over the defaults.

    Raises:
        PolicyError: with the path of the wrong key (`zones[0].prefixes`) and, for an
            unknown key, the known one that is nearest.
    """
    try:
        own = tomllib.loads(text.removeprefix(BYTE_ORDER_MARK))
    except (ValueError, RecursionError) as broken:  # TOMLDecodeError is a ValueError
        raise PolicyError(f"not TOML: {broken}") from broken
    policy = _convert(_overlay(_defaults(), {**own, "version": version}))
    _validate(policy)
    return policy


@functools.cache
def _defaults() -> dict[str, Any]:
    return tomllib.loads(files("checks.policy").joinpath("defaults.toml").read_text("utf-8"))


def _overlay(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = (
            _overlay(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
        )
    return merged


def _convert(raw: dict[str, Any]) -> Policy:
    try:
        return msgspec.convert(raw, Policy)
    except msgspec.ValidationError as wrong:
        raise PolicyError(_explained(str(wrong))) from wrong


def _explained(message: str) -> str:
    """Msgspec's words with the nearest known key added."""
    unknown = re.search(r"unknown field `([^`]+)`(?: - at `\$\.?([^`]*)`)?", message)
    if unknown is None:
        return message.replace("`$.", "`")
    key, place = unknown[1], unknown[2] or ""
    near = get_close_matches(key, _known_keys(), n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"unknown key {'.'.join(part for part in (place, key) if part)}{hint}"


def _known_keys() -> list[str]:
    return [field for struct in structures() for field in struct.__struct_fields__]


def structures() -> tuple[type[msgspec.Struct], ...]:
    """Every structure that a policy.toml is made of."""
    declared = (value for room in (document, allowlist, network) for value in vars(room).values())
    own = {
        value
        for value in declared
        if isinstance(value, type)
        and issubclass(value, msgspec.Struct)
        and value.__module__.startswith("checks.policy")
    } - {document.Endpoint, document.PolicyDocument}
    return (*sorted(own, key=lambda struct: struct.__name__), *Zone.structs())


def _validate(policy: Policy) -> None:
    for place, attempt in _promises(policy):
        try:
            attempt()
        except (ValueError, PolicyError) as wrong:
            raise PolicyError(f"{place}: {wrong}") from wrong
    known = _defaults()["rules"]
    for rule in policy.rules:
        if rule not in known:
            near = get_close_matches(rule, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise PolicyError(f"rules.{rule}: no such rule{hint}")


def _promises(policy: Policy) -> Iterator[tuple[str, Callable[[], object]]]:
    """Everything that a type alone does not check: the place, and what must not raise."""
    yield "hospital.timezone", partial(_time_zone, policy.hospital.timezone)
    for index, entry in enumerate(policy.approved):
        yield from _of_approved(entry, f"approved[{index}] ({entry.name})")
    for index, zone in enumerate(policy.zones):
        yield from _of_zone(zone, f"zones[{index}] ({zone.name})")
    yield from _of_machines(policy)
    for index, recipient in enumerate(policy.mail.recipients):
        yield f"mail.recipients[{index}].address", partial(_mail_address, recipient.address)
    for rule, settings in policy.rules.items():
        for clock in ("mail", "acknowledge", "contain", "close"):
            if text := getattr(settings, clock):
                yield f"rules.{rule}.{clock}", partial(span, text)
    for name in Thresholds.__struct_fields__:
        value = getattr(policy.thresholds, name)
        if isinstance(value, str):
            yield f"thresholds.{name}", partial(span, value)


def _of_approved(entry: Approved, place: str) -> Iterator[tuple[str, Callable[[], object]]]:
    yield f"{place}.approver", partial(_two_people, entry)
    for prefix in entry.destinations:
        yield f"{place}.destinations", partial(ipaddress.ip_network, prefix)


def _of_zone(zone: Zone, place: str) -> Iterator[tuple[str, Callable[[], object]]]:
    for prefix in zone.prefixes:
        yield f"{place}.prefixes", partial(ipaddress.ip_network, prefix)
    for way in zone.via:
        if way.gateway:
            yield f"{place}.via.gateway", partial(ipaddress.ip_address, way.gateway)
        yield f"{place}.via.interface", partial(_link_kind, way.interface)


def _of_machines(policy: Policy) -> Iterator[tuple[str, Callable[[], object]]]:
    for index, host in enumerate(policy.hosts):
        yield from _of_host(host, f"hosts[{index}] ({host.name})")
    for index, binding in enumerate(policy.bindings):
        yield from _of_binding(binding, f"bindings[{index}] ({binding.endpoint})")


def _of_host(host: KnownHost, place: str) -> Iterator[tuple[str, Callable[[], object]]]:
    if not host.macs and not host.addresses:
        yield place, _names_nothing
    for mac in host.macs:
        yield f"{place}.macs", partial(_mac, mac)
    for address in host.addresses:
        yield f"{place}.addresses", partial(ipaddress.ip_network, address)


def _of_binding(binding: Binding, place: str) -> Iterator[tuple[str, Callable[[], object]]]:
    for name in ("address", "gateway"):
        if text := getattr(binding, name):
            yield f"{place}.{name}", partial(ipaddress.ip_address, text)
    if binding.mac:
        yield f"{place}.mac", partial(_mac, binding.mac)


def _names_nothing() -> None:
    raise PolicyError("give macs or addresses; without both it would be any host")


_MAC = re.compile("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){2}((:[0-9a-fA-F]{2}){3})?")


def _mac(text: str) -> None:
    if not _MAC.fullmatch(text):
        raise PolicyError(
            f"{text[:40]!r} is no hardware address; write it like 52:54:00:aa:bb:01, or its "
            "first three octets"
        )


def _time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as unknown:  # ZoneInfoNotFoundError is a KeyError
        raise PolicyError(
            f"{name[:40]!r} is no time zone; write it like Asia/Shanghai"
        ) from unknown


_ADDRESS = re.compile(r"""[^\s@<>()\[\],;:"\\]+@[^\s@<>()\[\],;:"\\]+""")


def _mail_address(address: str) -> None:
    """As mail servers take it (RFC 5321 4.1.2), without quotes and display names."""
    if not _ADDRESS.fullmatch(address) or not address.isprintable():
        raise PolicyError(f"{address[:80]!r} is no mail address; write it like duty@hospital.cn")


def _two_people(entry: Approved) -> None:
    if entry.applicant and entry.applicant == entry.approver:
        raise PolicyError("nobody approves what he applied for")


def _link_kind(name: str) -> None:
    kinds = get_args(LinkKind)
    if name not in kinds:
        raise PolicyError(f"{name!r} is no kind of link; the kinds are {', '.join(kinds)}")
