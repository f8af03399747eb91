"""The hosts of the segments: enrolled, known, and those that nobody enrolled."""

from starlette.responses import Response

from checks.known_hosts import is_made_up
from collector.dashboard.door import Visit
from collector.queries.hosts import STANDINGS, entry_for, hosts
from collector.queries.overview import endpoint_names

ON_A_PAGE = 50
ENTRIES_SHOWN = 200


def listed(visit: Visit) -> Response:
    services = visit.services
    standing, text = visit.asked("standing"), visit.asked("q").strip()
    policy = services.policies.current()
    every = hosts(services.store_engine, policy, text=text)
    fitting = [host for host in every if standing in ("", host.standing)]
    strangers = [host.record for host in every if host.standing == "unmanaged"]
    pages = max(1, -(-len(fitting) // ON_A_PAGE))
    number = visit.page_number(pages)
    return visit.page(
        "hosts.html",
        rows=fitting[(number - 1) * ON_A_PAGE : number * ON_A_PAGE],
        total=len(fitting),
        number=number,
        pages=pages,
        standing=standing,
        made_up=is_made_up,
        text=text,
        standings=STANDINGS,
        names=endpoint_names(services.store_engine),
        entries="\n".join(entry_for(record) for record in strangers[:ENTRIES_SHOWN]),
        left_out=max(0, len(strangers) - ENTRIES_SHOWN),
        page_address=visit.address_without_page(),
    )
