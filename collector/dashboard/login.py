"""Logging in and out, language and colours."""

from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from collector.auth import User, authenticate, set_language
from collector.dashboard.door import (
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    THEME_COOKIE,
    THEMES,
    Door,
    own_path,
    rendered,
    see_other,
    spoken,
    words_of,
)
from collector.dashboard.forms import Form, FormRefused, is_own_origin, one, read_form
from collector.i18n import LANGUAGES, translator
from collector.ports import Services
from collector.sessions import SESSION_LASTS_US, close_session, open_session
from collector.throttle import LoginThrottle

MICROSECONDS = 1_000_000
WRONG = "Name or password is wrong"
TOO_MANY = "Too many attempts. Please try again in {seconds} seconds"
A_YEAR_S = 365 * 24 * 3600


class Login:
    """The endpoints that need no session yet."""

    def __init__(self, services: Services, door: Door) -> None:
        self._services = services
        self._door = door
        self._throttle = LoginThrottle()

    async def show(self, request: Request) -> Response:
        if await self._door.session(request) is not None:
            return see_other("/")
        return self._page(request)

    async def enter(self, request: Request) -> Response:
        """Checks name and password; each failure makes the next try wait longer."""
        form = await self._form(request)
        if form is None:
            return self._page(request, HTTPStatus.FORBIDDEN)
        name, now_us = one(form, "name").strip(), self._services.clock()
        keys = (f"name {name}", f"address {request.client.host if request.client else ''}")
        wait_us = self._throttle.wait_us(keys, now_us=now_us)
        if wait_us:
            return self._slowed(request, wait_us)
        user = await run_in_threadpool(
            authenticate, self._services.store_engine, name=name, password=one(form, "password")
        )
        if user is None:
            self._throttle.failed(keys, now_us=now_us)
            return self._page(request, HTTPStatus.UNAUTHORIZED, WRONG, name=name)
        self._throttle.succeeded(keys[:1])
        return await self._entered(request, user)

    async def leave(self, request: Request) -> Response:
        form = await self._form(request)
        cookie = request.cookies.get(SESSION_COOKIE)
        if form is None or cookie is None:
            return see_other("/")
        await run_in_threadpool(close_session, self._services.store_engine, cookie)
        answer = see_other("/login")
        answer.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        return answer

    async def prefer(self, request: Request) -> Response:
        """Language or colours by one click; back to where the click was made."""
        form = await self._form(request)
        if form is None:
            return see_other("/")
        answer = see_other(own_path(one(form, "next")))
        language, theme = one(form, "language"), one(form, "theme")
        if language in LANGUAGES:
            _remember(answer, LANGUAGE_COOKIE, language)
            session = await self._door.session(request)
            if session is not None:
                await run_in_threadpool(
                    set_language,
                    self._services.store_engine,
                    name=session.user.name,
                    language=language,
                )
        if theme in THEMES:
            _remember(answer, THEME_COOKIE, theme)
        return answer

    async def _form(self, request: Request) -> Form | None:
        """The form, None when it did not stand on our own page."""
        if not is_own_origin(request, self._services.base_url):
            return None
        try:
            return await read_form(request)
        except FormRefused:
            return None

    async def _entered(self, request: Request, user: User) -> Response:
        services = self._services
        session_id = await run_in_threadpool(
            open_session, services.store_engine, user, now_us=services.clock()
        )
        answer = see_other(own_path(request.query_params.get("next", "/")))
        answer.set_cookie(
            SESSION_COOKIE,
            session_id,
            max_age=SESSION_LASTS_US // MICROSECONDS,
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )
        return answer

    def _slowed(self, request: Request, wait_us: int) -> Response:
        seconds = -(-wait_us // MICROSECONDS)
        answer = self._page(
            request,
            HTTPStatus.TOO_MANY_REQUESTS,
            TOO_MANY,
            seconds=str(seconds),
        )
        answer.headers["Retry-After"] = str(seconds)
        return answer

    def _page(
        self, request: Request, status: int = HTTPStatus.OK, error: str = "", **params: str
    ) -> Response:
        says = translator(spoken(request))
        return rendered(
            request,
            "login.html",
            says,
            words_of(self._services, says),
            status=status,
            error=says.format(error, params) if error else "",
            name=params.get("name", ""),
            hospital=self._services.policies.current().hospital.name,
        )


def _remember(answer: Response, cookie: str, value: str) -> None:
    answer.set_cookie(
        cookie, value, max_age=A_YEAR_S, path="/", secure=True, httponly=True, samesite="lax"
    )
