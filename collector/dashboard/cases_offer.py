"""What the list of cases offers to do to many of them."""

import hashlib
from collections.abc import Sequence

import msgspec

from collector.acts import MANY_LIMIT
from collector.cases import Act
from collector.dashboard.door import Visit
from collector.dashboard.forms import one as field
from collector.queries.cases import CaseFilter, ids_of
from collector.rights import ACT_RIGHTS

ACTS = (Act.ACKNOWLEDGE, Act.ASSIGN, Act.COMMENT, Act.CLOSE)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """`acts` the visitor may do.  `mark` stands for all that the filter shows, as it was when the
    page was made; empty when they are more than one act may touch.  The rest is what was ticked
    and written in a form that was refused.
    """

    acts: tuple[Act, ...]
    mark: str = ""
    limit: int = MANY_LIMIT
    ticked: tuple[str, ...] = ()
    reason: str = ""
    to: str = ""


def offer_of(visit: Visit, wanted: CaseFilter, total: int) -> Offer:
    """What this visitor may do to the cases of the filter."""
    acts = tuple(act for act in ACTS if visit.may(ACT_RIGHTS[act]))
    if not acts:
        return Offer(acts=())
    store, form = visit.services.store_engine, visit.form
    all_of_them = ids_of(store, wanted, limit=MANY_LIMIT) if 0 < total <= MANY_LIMIT else []
    return Offer(
        acts=acts,
        mark=mark_of(all_of_them) if all_of_them else "",
        ticked=form.get("case", ()),
        reason=field(form, "reason"),
        to=field(form, "to"),
    )


def mark_of(ids: Sequence[str]) -> str:
    """The same for the same cases, whatever their order."""
    return hashlib.sha256("\n".join(sorted(ids)).encode("ascii")).hexdigest()[:32]
