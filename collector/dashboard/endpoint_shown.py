"""What the page of an endpoint tells besides its line: links, media, versions, coverage."""

from collections.abc import Mapping

import msgspec

from checks.facts.antivirus import AntivirusState, Product
from checks.facts.media import ScannerState
from checks.facts.network import Link, NetworkState
from collector.coverage import Coverage, coverage
from collector.dashboard.case_medium import CaseMedium, page_of
from collector.dashboard.door import Visit
from collector.dashboard.ribbon import Band, before_enrolment, ribbon
from collector.dashboard.wording import DAY_US
from collector.judging.records import EndpointRecord
from collector.queries.endpoints import LatestFact
from collector.queries.stays import Stay, stays

DAYS = (30, 7, 1)
"""Spans of coverage that can be asked for; the first without asking."""
LINKS_SHOWN = 30
"""A machine may claim ten thousand interfaces; the page says how many it left out."""
STAYS_SHOWN = 20


class ShownLink(msgspec.Struct, frozen=True, kw_only=True):
    """`gateways` of its default routes: where it leads out; `-` for one without a next hop."""

    link: Link
    gateways: tuple[str, ...] = ()


class ShownStay(msgspec.Struct, frozen=True, kw_only=True):
    stay: Stay
    medium: CaseMedium


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """Coverage of the last `days`; `day` is the share of the last one."""

    days: int
    from_us: int
    whole: Coverage
    day: float
    bands: tuple[Band, ...]


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """`policy` is the endpoint's, `newest_policy` the one in force here."""

    client: str
    policy: int
    newest_policy: int
    scanner: ScannerState | None = None
    products: tuple[Product, ...] = ()


def links_of(fact: object) -> list[ShownLink]:
    """Ways out first, then what is up; without the loopback."""
    if not isinstance(fact, NetworkState):
        return []
    ways: dict[str, list[str]] = {}
    for route in fact.routes:
        if route.is_default:
            ways.setdefault(route.interface, []).append(route.gateway or "-")
    shown = [
        ShownLink(link=link, gateways=tuple(dict.fromkeys(ways.get(link.name, ()))))
        for link in fact.links
        if link.kind != "loopback"
    ]
    return sorted(shown, key=lambda each: (not each.gateways, not _is_up(each.link)))


def media_at(agent: str, visit: Visit) -> list[ShownStay]:
    """Stays of media, the newest first."""
    found = stays(visit.services.store_engine, agent, limit=STAYS_SHOWN)
    pages: dict[str, CaseMedium] = {}
    for stay in found:
        if stay.medium.key not in pages:
            pages[stay.medium.key] = page_of(stay.medium, visit)
    return [ShownStay(stay=stay, medium=pages[stay.medium.key]) for stay in found]


def versions_of(
    record: EndpointRecord, known: Mapping[str, LatestFact], *, newest_policy: int
) -> Versions:
    scanner = known["scanner"].fact if "scanner" in known else None
    guard = known["antivirus"].fact if "antivirus" in known else None
    return Versions(
        client=record.version,
        policy=record.policy_version,
        newest_policy=newest_policy,
        scanner=scanner if isinstance(scanner, ScannerState) else None,
        products=guard.products if isinstance(guard, AntivirusState) else (),
    )


def watched(record: EndpointRecord, visit: Visit) -> Watched:
    """Over the days that the address asks for."""
    store, now_us = visit.services.store_engine, visit.services.clock()
    asked = visit.asked("days")
    days = int(asked) if asked in map(str, DAYS) else DAYS[0]
    from_us = now_us - days * DAY_US
    whole = coverage(store, record.agent, from_us, now_us)
    before = before_enrolment(record.agent, record.enrolled_us, from_us)
    return Watched(
        days=days,
        from_us=from_us,
        whole=whole,
        day=coverage(store, record.agent, now_us - DAY_US, now_us).share,
        bands=tuple(ribbon((*before, *whole.holes), from_us, now_us)),
    )


def _is_up(link: Link) -> bool:
    return link.up and link.carrier
