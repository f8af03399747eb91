"""The policy's door: TOML over the defaults, converted and validated once.

`defaults.toml` holds every threshold, clock and severity, `known*.toml` public resolvers,
remote-control and anti-virus programs; the hospital's `policy.toml` names what differs, and adds
to the known.
"""

import functools
import ipaddress
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from difflib import get_close_matches
from functools import partial
from importlib.resources import files
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec

from checks.beacon import address_of
from checks.facts.network import LinkKind
from checks.plan import Zone, parsed_address
from checks.policy import allowlist, document, mailing, network
from checks.policy.allowlist_reading import (
    Promise,
    mac,
    promises_of_approved,
    promises_of_device,
)
from checks.policy.document import Policy, Thresholds
from checks.policy.error import PolicyError
from checks.policy.mail_reading import promises_of_mail
from checks.policy.network import Beacon, Binding, KnownHost
from checks.policy.schedule import weekly_time
from checks.policy.spans import span

_KNOWN = ("known.toml", "known_antivirus.toml")
_MOMENTS = ("starts", "expires", "review")
BYTE_ORDER_MARK = "\ufeff"
"""What some editors write before the first line."""
PORTS = 65_536


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
    laid_over = _overlay(_defaults(), {**_with_moments_as_text(own), "version": version})
    policy = _with_known(_convert(laid_over))
    _validate(policy)
    return policy


@functools.cache
def _defaults() -> dict[str, Any]:
    return tomllib.loads(files("checks.policy").joinpath("defaults.toml").read_text("utf-8"))


@functools.cache
def _known() -> Policy:
    folder = files("checks.policy")
    texts = (folder.joinpath(name).read_text("utf-8") for name in _KNOWN)
    return msgspec.convert(tomllib.loads("\n".join(texts)), Policy)


def _with_known(policy: Policy) -> Policy:
    """Known programs that the hospital describes itself are as it says."""
    names, tools = policy.names, policy.remote_tools
    own = {entry.tool for entry in tools.known}
    own_products = {entry.product for entry in policy.antivirus.known}
    replace = msgspec.structs.replace
    return replace(
        policy,
        names=replace(names, doh=tuple(dict.fromkeys((*_known().names.doh, *names.doh)))),
        remote_tools=replace(
            tools,
            known=(
                *(entry for entry in _known().remote_tools.known if entry.tool not in own),
                *tools.known,
            ),
        ),
        antivirus=replace(
            policy.antivirus,
            known=(
                *(e for e in _known().antivirus.known if e.product not in own_products),
                *policy.antivirus.known,
            ),
        ),
    )


def _overlay(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = (
            _overlay(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
        )
    return merged


def _with_moments_as_text(own: dict[str, Any]) -> dict[str, Any]:
    """Days and moments of the allow-list may be TOML's own or text; inside, they are text,
    because the signed JSON document knows no others.
    """
    told = {key: own[key] for key in ("approved", "devices") if isinstance(own.get(key), list)}
    return own | {key: [_entry_as_text(entry) for entry in told[key]] for key in told}


def _entry_as_text(entry: object) -> object:
    if not isinstance(entry, dict):
        return entry
    return {
        key: value.isoformat() if key in _MOMENTS and isinstance(value, date) else value
        for key, value in entry.items()
    }


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
    declared = (
        value for room in (document, allowlist, mailing, network) for value in vars(room).values()
    )
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


def _promises(policy: Policy) -> Iterator[Promise]:
    """Everything that a type alone does not check: the place, and what must not raise."""
    yield "hospital.timezone", partial(_time_zone, policy.hospital.timezone)
    yield from _of_allowlist(policy)
    yield from _of_machines(policy)
    for prefix in policy.names.resolvers:
        yield "names.resolvers", partial(ipaddress.ip_network, prefix)
    for prefix in policy.names.doh:
        yield "names.doh", partial(ipaddress.ip_network, prefix)
    yield "beacon", partial(_usable_beacon, policy.beacon)
    yield from _of_media(policy)
    yield from promises_of_mail(policy.mail)
    yield "cases.report_within", partial(span, policy.cases.report_within)
    for rule, settings in policy.rules.items():
        for clock in ("mail", "acknowledge", "contain", "close"):
            if text := getattr(settings, clock):
                yield f"rules.{rule}.{clock}", partial(span, text)
    for name in Thresholds.__struct_fields__:
        value = getattr(policy.thresholds, name)
        if isinstance(value, str):
            yield f"thresholds.{name}", partial(span, value)


def _of_media(policy: Policy) -> Iterator[Promise]:
    yield "scanning.receipt_life", partial(span, policy.scanning.receipt_life)
    for index, medium in enumerate(policy.media):
        if medium.hours:
            yield f"media[{index}] ({medium.number}).hours", partial(weekly_time, medium.hours)


def _of_allowlist(policy: Policy) -> Iterator[Promise]:
    for index, entry in enumerate(policy.approved):
        place = f"approved[{index}] ({entry.name})"
        yield from promises_of_approved(entry, place, policy.hospital.timezone)
    for index, device in enumerate(policy.devices):
        place = f"devices[{index}] ({device.name})"
        yield from promises_of_device(device, place, policy.hospital.timezone)
    for index, zone in enumerate(policy.zones):
        yield from _of_zone(zone, f"zones[{index}] ({zone.name})")


def _of_zone(zone: Zone, place: str) -> Iterator[Promise]:
    for prefix in zone.prefixes:
        yield f"{place}.prefixes", partial(ipaddress.ip_network, prefix)
    for way in zone.via:
        if way.gateway:
            yield f"{place}.via.gateway", partial(ipaddress.ip_address, way.gateway)
        yield f"{place}.via.interface", partial(_link_kind, way.interface)


def _of_machines(policy: Policy) -> Iterator[Promise]:
    for index, host in enumerate(policy.hosts):
        yield from _of_host(host, f"hosts[{index}] ({host.name})")
    for index, binding in enumerate(policy.bindings):
        yield from _of_binding(binding, f"bindings[{index}] ({binding.endpoint})")


def _of_host(host: KnownHost, place: str) -> Iterator[Promise]:
    if not host.macs and not host.addresses:
        yield place, _names_nothing
    for own in host.macs:
        yield f"{place}.macs", partial(mac, own)
    for address in host.addresses:
        yield f"{place}.addresses", partial(ipaddress.ip_network, address)


def _of_binding(binding: Binding, place: str) -> Iterator[Promise]:
    for name in ("address", "gateway"):
        if text := getattr(binding, name):
            yield f"{place}.{name}", partial(ipaddress.ip_address, text)
    if binding.mac:
        yield f"{place}.mac", partial(mac, binding.mac)


def _usable_beacon(beacon: Beacon) -> None:
    span(beacon.every)
    if not beacon.url:
        return
    address, port = address_of(beacon.url)
    parsed_address(address)
    if not 0 < port < PORTS:
        raise PolicyError(f"{port} is no port")
    if not beacon.public_key:
        raise PolicyError("public_key is missing: wardwatch-collector beacon init prints it")


def _names_nothing() -> None:
    raise PolicyError("give macs or addresses; without both it would be any host")


def _time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as unknown:  # ZoneInfoNotFoundError is a KeyError
        raise PolicyError(
            f"{name[:40]!r} is no time zone; write it like Asia/Shanghai"
        ) from unknown


def _link_kind(name: str) -> None:
    kinds = get_args(LinkKind)
    if name not in kinds:
        raise PolicyError(f"{name!r} is no kind of link; the kinds are {', '.join(kinds)}")
