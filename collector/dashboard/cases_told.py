"""What was done to many cases, told in one line on the page that comes next."""

import re
from collections.abc import Callable

from starlette.responses import Response

from collector.cases import Act
from collector.dashboard.door import Visit

COOKIE = "wardwatch-told"
PATH = "/cases"
_TOLD = re.compile(r"([a-z]{1,16})\.([0-9]{1,4})")


def tell(answer: Response, act: Act, number: int) -> Response:
    """The answer, after which the next page of the list says it."""
    answer.set_cookie(
        COOKIE,
        f"{act}.{number}",
        max_age=60,
        path=PATH,
        secure=True,
        httponly=True,
        samesite="strict",
    )
    return answer


def told(visit: Visit) -> str:
    """The line, empty when nothing was done just now."""
    said = _TOLD.fullmatch(visit.request.cookies.get(COOKIE, ""))
    line = _LINES.get(said[1]) if said else None
    return line(visit, int(said[2])) if said and line else ""


def forget(visit: Visit, answer: Response) -> Response:
    """The answer, after which it is told no more."""
    if COOKIE in visit.request.cookies:
        answer.delete_cookie(COOKIE, path=PATH, secure=True, httponly=True, samesite="strict")
    return answer


def _acknowledged(visit: Visit, number: int) -> str:
    return visit.says.ngettext("{number} case acknowledged", "{number} cases acknowledged", number)


def _assigned(visit: Visit, number: int) -> str:
    return visit.says.ngettext("{number} case assigned", "{number} cases assigned", number)


def _commented(visit: Visit, number: int) -> str:
    return visit.says.ngettext("{number} case commented on", "{number} cases commented on", number)


def _closed(visit: Visit, number: int) -> str:
    return visit.says.ngettext("{number} case closed", "{number} cases closed", number)


_LINES: dict[str, Callable[[Visit, int], str]] = {
    Act.ACKNOWLEDGE: _acknowledged,
    Act.ASSIGN: _assigned,
    Act.COMMENT: _commented,
    Act.CLOSE: _closed,
}
