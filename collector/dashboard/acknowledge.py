"""Acknowledging a case by the link of a mail: no login, and no more told than has to be.

Mail scanners follow links, so only the button on the page acknowledges.  The token is the
right: it stands in no page that somebody else can read, so the form needs none besides.
"""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from collector.alerts.links import Forged, Pass, by_mail
from collector.cases import NOT_JUDGED_YET, Act, ActRefused, Case, CaseState
from collector.citations import rule_name
from collector.dashboard.door import rendered, spoken, words_of
from collector.i18n import translator
from collector.ports import Services
from collector.queries.cases import case_named
from collector.throttle import MICROSECONDS, LoginThrottle

Standing = Literal[
    "open", "done", "recorded", "expired", "used", "taken", "closed", "gone", "forged", "slow"
]
STATUS: Mapping[Standing, HTTPStatus] = MappingProxyType(
    {
        "open": HTTPStatus.OK,
        "done": HTTPStatus.OK,
        "recorded": HTTPStatus.ACCEPTED,
        "expired": HTTPStatus.GONE,
        "used": HTTPStatus.GONE,
        "taken": HTTPStatus.CONFLICT,
        "closed": HTTPStatus.CONFLICT,
        "gone": HTTPStatus.NOT_FOUND,
        "forged": HTTPStatus.NOT_FOUND,
        "slow": HTTPStatus.TOO_MANY_REQUESTS,
    }
)


class Acknowledging:
    """`/ack/TOKEN`; who tries made-up tokens waits longer and longer, as at the login."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._throttle = LoginThrottle()

    async def show(self, request: Request) -> Response:
        return await run_in_threadpool(self._answer, request, acts=False)

    async def take(self, request: Request) -> Response:
        return await run_in_threadpool(self._answer, request, acts=True)

    def _answer(self, request: Request, *, acts: bool) -> Response:
        now_us = self._services.clock()
        keys = (f"address {request.client.host if request.client else ''}",)
        wait_us = self._throttle.wait_us(keys, now_us=now_us)
        if wait_us:
            return self._page(request, "slow", seconds=-(-wait_us // MICROSECONDS))
        try:
            shown = self._services.links.read(request.path_params["token"])
        except Forged:
            self._throttle.failed(keys, now_us=now_us)
            return self._page(request, "forged")
        case = self._case(shown)
        standing = standing_of(shown, case, now_us)
        if standing == "open" and acts:
            standing = self._acknowledged(shown)
        return self._page(request, standing, case)

    def _acknowledged(self, shown: Pass) -> Standing:
        """What came of it; somebody may have been quicker."""
        actor = by_mail(shown.address)
        try:
            self._services.acts.on_case(shown.case, Act.ACKNOWLEDGE.value, actor=actor)
        except ActRefused as refused:
            if refused.message == NOT_JUDGED_YET:
                return "recorded"
            return standing_of(shown, self._case(shown), self._services.clock())
        return "done"

    def _case(self, shown: Pass) -> Case | None:
        row = case_named(self._services.store_engine, shown.case)
        return row.case if row else None

    def _page(
        self, request: Request, standing: Standing, case: Case | None = None, seconds: int = 0
    ) -> Response:
        says = translator(spoken(request))
        answer = rendered(
            request,
            "acknowledge.html",
            says,
            words_of(self._services, says),
            status=STATUS[standing],
            standing=standing,
            case=case,
            title=rule_name(case.rule, says.language) if case else "",
            seconds=seconds,
            phone=self._services.policies.current().hospital.phone,
        )
        if seconds:
            answer.headers["Retry-After"] = str(seconds)
        return answer


def standing_of(shown: Pass, case: Case | None, now_us: int) -> Standing:
    """Whether the case can be acknowledged with this link, and if not, why.

    That somebody has acknowledged it is told before that the link is too old.
    """
    if case is None:
        return "gone"
    if case.acknowledged_by:
        return "used" if case.acknowledged_by == by_mail(shown.address) else "taken"
    if case.state is not CaseState.AWAITING_ACKNOWLEDGEMENT:
        return "closed"
    return "expired" if shown.expires_us <= now_us else "open"
