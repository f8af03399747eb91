"""The way in: who asks, whether he may, and the page that answers.

A view is a plain function of a `Visit`; it runs in a thread, so it may read the store.
"""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from collector.dashboard.assets import SECURITY_HEADERS, environment
from collector.dashboard.forms import Form, FormRefused, is_own_origin, is_own_token, read_upload
from collector.dashboard.uploads import Upload
from collector.dashboard.wording import Words
from collector.i18n import LANGUAGES, Translator, language_for, translator
from collector.ports import Services
from collector.rights import Action, may
from collector.sessions import Session, session_of

SESSION_COOKIE = "__Host-wardwatch"
LANGUAGE_COOKIE = "wardwatch-language"
THEME_COOKIE = "wardwatch-theme"
_PAGE_NUMBER = re.compile(r"[0-9]{1,7}")
THEMES = ("light", "dark")


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One request of somebody who is logged in and may make it."""

    services: Services
    request: Request
    session: Session
    says: Translator
    words: Words
    form: Form = {}
    file: Upload = Upload()

    @property
    def user(self) -> str:
        return self.session.user.name

    @property
    def within(self) -> str:
        """The only department whose cases may be seen and worked; empty for all."""
        return self.session.user.department

    def may(self, action: Action) -> bool:
        return may(self.session.user.role, action)

    def asked(self, name: str) -> str:
        """A parameter of the address, empty without one."""
        return self.request.query_params.get(name, "")

    def page_number(self, pages: int) -> int:
        """Which page of a list was asked for, from 1 to the last."""
        asked = self.asked("page")
        number = int(asked) if _PAGE_NUMBER.fullmatch(asked) else 1
        return min(max(1, number), pages)

    def here(self) -> str:
        """Path and query of this request."""
        address = self.request.url
        return f"{address.path}?{address.query}" if address.query else address.path

    def address_without_page(self) -> str:
        """The list's address, ready for `page=2` to be added."""
        kept = self.request.url.remove_query_params("page")
        return f"{kept.path}?{kept.query}&" if kept.query else f"{kept.path}?"

    def page(self, template: str, status: int = HTTPStatus.OK, **values: Any) -> Response:
        shown = {"visit": self, "may": self.may, "Action": Action, **values}
        return rendered(self.request, template, self.says, self.words, status=status, **shown)

    def missing(self) -> Response:
        return self.page("missing.html", HTTPStatus.NOT_FOUND)


View = Callable[[Visit], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


class Door:
    """Makes Starlette endpoints of views."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def view(self, view: View, action: Action) -> Endpoint:
        """A page for those who may do `action`; a POST must come from our own form."""

        async def endpoint(request: Request) -> Response:
            session = await self.session(request)
            if session is None:
                return _to_login(request)
            form: Form = {}
            file = Upload()
            if request.method == "POST":
                try:
                    form, file = await read_upload(request)
                except FormRefused as refused:
                    return _refusal(HTTPStatus.BAD_REQUEST, str(refused))
                if not (
                    is_own_origin(request, self._services.base_url)
                    and is_own_token(form, session.csrf)
                ):
                    return _refusal(HTTPStatus.FORBIDDEN, "this form is not from this site")
            sent = (form, file)
            return await run_in_threadpool(self._answer, view, action, request, session, sent)

        return endpoint

    async def session(self, request: Request) -> Session | None:
        """The living session that the request's cookie names."""
        cookie = request.cookies.get(SESSION_COOKIE)
        if not cookie:
            return None
        services = self._services
        return await run_in_threadpool(
            session_of, services.store_engine, cookie, now_us=services.clock()
        )

    def _answer(
        self,
        view: View,
        action: Action,
        request: Request,
        session: Session,
        sent: tuple[Form, Upload],
    ) -> Response:
        services = self._services
        says = translator(spoken(request, session.user.language))
        visit = Visit(
            services=services,
            request=request,
            session=session,
            says=says,
            words=words_of(services, says),
            form=sent[0],
            file=sent[1],
        )
        if not visit.may(action):
            return visit.page("forbidden.html", HTTPStatus.FORBIDDEN)
        return view(visit)


def words_of(services: Services, says: Translator) -> Words:
    return Words(says, services.policies.current().hospital.timezone, services.clock())


def spoken(request: Request, own: str = "") -> str:
    """The language asked for by cookie, else the user's own, else the browser's wish."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    return own or language_for(request.headers.get("accept-language", ""))


def rendered(
    request: Request,
    template: str,
    says: Translator,
    words: Words,
    *,
    status: int = HTTPStatus.OK,
    **values: Any,
) -> Response:
    theme = request.cookies.get(THEME_COOKIE, "")
    text = (
        environment()
        .get_template(template)
        .render(
            _=says.gettext,
            n_=says.ngettext,
            f_=says.format,
            s_=says.sentence,
            word=says.word,
            w=words,
            language=says.language,
            languages=LANGUAGES,
            theme=theme if theme in THEMES else "",
            path=request.url.path,
            here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            **values,
        )
    )
    return HTMLResponse(text, status_code=status, headers=page_headers())


def page_headers() -> dict[str, str]:
    return {**SECURITY_HEADERS, "Cache-Control": "no-store"}


def see_other(address: str) -> Response:
    return RedirectResponse(address, HTTPStatus.SEE_OTHER, headers=page_headers())


def own_path(address: str) -> str:
    """The address when it is a path of this site, else the first page."""
    own = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if own and address.isprintable() else "/"


def _to_login(request: Request) -> Response:
    if request.headers.get("hx-request"):
        headers = {**page_headers(), "HX-Refresh": "true"}
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers=headers)
    wanted = request.url.path if request.method == "GET" else "/"
    return see_other(f"/login?next={quote(wanted)}")


def _refusal(status: HTTPStatus, detail: str) -> Response:
    return Response(
        f"{status.value} {status.phrase}: {detail}\n",
        status_code=status,
        media_type="text/plain",
        headers=page_headers(),
    )
