"""What could not be seen: unknown verdicts, blind sensors, refused batches, unread facts,
and machines that share an identity.
"""

from starlette.responses import Response

from collector.dashboard.door import Visit
from collector.dashboard.wording import DAY_US
from collector.queries import overview as figures


def show(visit: Visit) -> Response:
    services = visit.services
    store = services.store_engine
    return visit.page(
        "unseen.html",
        unknowns=figures.unknowns(store),
        blind=figures.blind_sensors(store),
        holes=figures.whole_holes(store, from_us=services.clock() - DAY_US),
        forks=figures.forks(services.journal_engine),
        refusals=figures.refusals(services.journal_engine),
        held=figures.held_kinds(store),
        outbox=figures.outbox(store),
        unsent=figures.unsent_mails(store),
        names=figures.endpoint_names(store),
    )
