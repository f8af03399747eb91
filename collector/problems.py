"""Answers that say what is wrong: RFC 9457 problem details."""

from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
FORKED = "record-forked"
"""The name of the problem that two machines send under one identity."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """`type` is `urn:wardwatch:problem:` and a name that programs may compare; `detail`
    names the place or value that is wrong, for people.
    """

    type: str
    title: str
    status: int
    detail: str = ""


class Refused(Exception):
    """Ends the handling of a request with this problem as its answer."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{problem.status} {problem.title}: {problem.detail}")
        self.problem = problem
        self.headers = headers or {}

    @property
    def name(self) -> str:
        """The problem's name without its prefix, e.g. `batch-forked`."""
        return self.problem.type.removeprefix(_PREFIX)


_PREFIX = "urn:wardwatch:problem:"


def problem(name: str, title: str, *, status: int, detail: str = "") -> Problem:
    return Problem(type=_PREFIX + name, title=title, status=status, detail=detail)


def problem_answer(told: Problem, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        msgspec.json.encode(told),
        status_code=told.status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


async def refused_answer(_request: Request, refused: Exception) -> Response:
    """Exception handler for `Refused`."""
    assert isinstance(refused, Refused)
    return problem_answer(refused.problem, refused.headers)


async def fault_answer(_request: Request, _fault: Exception) -> Response:
    """A fault of ours: it stands in the log, and nothing of it in the answer."""
    return problem_answer(
        problem("fault", "Something here failed", status=500, detail="the collector's log tells it")
    )
