"""The endpoint register over the API: how a line is written."""

from typing import Annotated

import msgspec

from checks.policy import Endpoint
from collector.api.answers import ActBody, EndpointDetail, NoQuery
from collector.api.calls import Call, Operation, one_endpoint
from collector.endpoints.acts import GROUPS_LIMIT, EndpointActs
from collector.rights import Action

_Level = Annotated[int, msgspec.Meta(ge=2, le=3)]
_Groups = Annotated[tuple[str, ...], msgspec.Meta(max_length=GROUPS_LIMIT)]


class EndpointLineBody(ActBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The register's line as it shall be; what is left out is empty, but `name` must be there.
    `reason` stands in the journal.
    """

    name: str = ""
    department: str = ""
    owner: str = ""
    phone: str = ""
    place: str = ""
    zone: str = ""
    groups: _Groups = ()
    clinical: str = ""
    protection_level: _Level = 3


def put_line(call: Call, query: NoQuery) -> EndpointDetail:
    """The line of an endpoint that is enrolled, anew."""
    one_endpoint(call, query)  # raises Missing
    asked = call.body
    assert isinstance(asked, EndpointLineBody)
    fields = {name: getattr(asked, name) for name in Endpoint.__struct_fields__ if name != "id"}
    acts = EndpointActs(journal=call.services.journal, changes=call.services.changes)
    acts.change(Endpoint(id=call.named, **fields), actor=call.token.name, reason=asked.reason)
    return one_endpoint(call, query)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="PUT",
        path="/endpoints/{id}",
        action=Action.EDIT_REGISTER,
        handle=put_line,
        summary="Change an endpoint's line of the register",
        answer=EndpointDetail,
        takes_body=True,
        body=EndpointLineBody,
    ),
)
