"""The API's way in: token, role, parameters; every answer is JSON or a problem."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from checks.policy import PolicyError
from checks.wire import place_of
from collector.api.answers import ActBody
from collector.api.calls import OPERATIONS as CALLS
from collector.api.calls import Call, Missing, Operation
from collector.api.cursors import BadCursor
from collector.api.endpoints import OPERATIONS as ENDPOINTS
from collector.api.media import OPERATIONS as MEDIA
from collector.api.openapi import document
from collector.api.proposals import OPERATIONS as PROPOSALS
from collector.api.receipts import OPERATIONS as RECEIPTS
from collector.auth import Token, token_bearer
from collector.cases import (
    NO_SUCH_CASE,
    NOT_JUDGED_YET,
    REASON_MISSING,
    REASON_TOO_LONG,
    ActRefused,
)
from collector.endpoints.acts import EndpointRefused
from collector.i18n import language_for, translator
from collector.media.acts import MediumRefused
from collector.policies import PolicyChanged
from collector.ports import Services
from collector.problems import Problem, Refused, problem, problem_answer
from collector.proposals import ProposalRefused
from collector.rights import Action, may
from collector.streams import stream_of

PREFIX = "/api/v1"
BODY_LIMIT_BYTES = 64 * 1024
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]
OPERATIONS = (*CALLS, *ENDPOINTS, *MEDIA, *RECEIPTS, *PROPOSALS)
_ENCODE = msgspec.json.Encoder().encode
_ACT_PROBLEMS = {
    NO_SUCH_CASE: ("missing", "There is no such case", 404),
    REASON_MISSING: ("reason-missing", "A reason is needed", 400),
    REASON_TOO_LONG: ("reason-too-long", "The reason is too long", 400),
    NOT_JUDGED_YET: ("not-yet", "Not in effect yet", 503),
}


def routes(services: Services) -> list[BaseRoute]:
    """`/api/v1/…`, for the application that `collector.app` composes."""
    door = _Door(services)
    paths = dict.fromkeys(operation.path for operation in OPERATIONS)
    own = [
        Route("/openapi.json", door.described, methods=METHODS),
        Route("/events", door.events, methods=METHODS),
        *(Route(path, door.endpoint(_at(path)), methods=METHODS) for path in paths),
    ]
    mount = Mount(PREFIX, Router(own, redirect_slashes=False, default=_nowhere))
    # Starlette's own pattern stops at a line break, and our problem answers with it.
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return [mount]


class _Door:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._document = _ENCODE(document(OPERATIONS, version=services.version))

    def endpoint(self, operations: Sequence[Operation]) -> Any:
        by_method = {operation.method: operation for operation in operations}

        async def answer(request: Request) -> Response:
            try:
                operation = by_method.get(_method(request))
                if operation is None:
                    raise _wrong_method(sorted(by_method))
                token = await self._token(request, operation.action)
                body = await _body(request, operation.body) if operation.takes_body else ActBody()
                return await run_in_threadpool(self._called, request, operation, token, body)
            except Refused as refused:
                return problem_answer(refused.problem, refused.headers)

        return answer

    async def described(self, request: Request) -> Response:
        if _method(request) != "GET":
            refused = _wrong_method(["GET"])
            return problem_answer(refused.problem, refused.headers)
        return Response(self._document, media_type="application/json")

    async def events(self, request: Request) -> Response:
        """What changed, as long as the token is valid."""
        try:
            if _method(request) != "GET":
                raise _wrong_method(["GET"])
            await self._token(request, Action.SEE_CASES)
        except Refused as refused:
            return problem_answer(refused.problem, refused.headers)

        async def welcome() -> bool:
            try:
                await self._token(request, Action.SEE_CASES)
            except Refused:
                return False
            return True

        return stream_of(self._services.changes, welcome)

    async def _token(self, request: Request, action: Action) -> Token:
        scheme, _, presented = request.headers.get("authorization", "").partition(" ")
        services, token = self._services, None
        if scheme.lower() == "bearer":
            token = await run_in_threadpool(
                token_bearer, services.store_engine, presented.strip(), now_us=services.clock()
            )
        if token is None:
            told = problem(
                "no-token", "No valid token", status=401, detail="Authorization: Bearer …"
            )
            raise Refused(told, {"WWW-Authenticate": "Bearer"})
        if not may(token.role, action):
            detail = f"role {token.role} may not {action.replace('_', ' ')}"
            raise Refused(problem("not-allowed", "Not allowed", status=403, detail=detail))
        return token

    def _called(
        self, request: Request, operation: Operation, token: Token, body: ActBody
    ) -> Response:
        language = language_for(request.headers.get("accept-language", ""))
        call = Call(
            services=self._services,
            token=token,
            says=translator(language),
            named=request.path_params.get("id", ""),
            body=body,
        )
        try:
            answer = operation.handle(call, _query(request, operation))
        except Missing as missing:
            raise Refused(problem("missing", str(missing), status=404)) from missing
        except BadCursor as wrong:
            raise Refused(_bad(str(wrong))) from wrong
        except ActRefused as refused:
            raise Refused(_of_act(refused, call)) from refused
        except (ProposalRefused, MediumRefused, EndpointRefused) as refused:
            raise Refused(_bad(call.says.format(refused.message, refused.params))) from refused
        except PolicyError as wrong:
            raise Refused(_bad(str(wrong))) from wrong
        except PolicyChanged as meanwhile:
            detail = str(meanwhile)
            changed = problem(
                "policy-changed", "Another policy is in force", status=409, detail=detail
            )
            raise Refused(changed) from meanwhile
        headers = {"Content-Language": language.replace("_", "-"), "Cache-Control": "no-store"}
        return Response(_ENCODE(answer), media_type="application/json", headers=headers)


def _at(path: str) -> list[Operation]:
    return [operation for operation in OPERATIONS if operation.path == path]


def _method(request: Request) -> str:
    return "GET" if request.method == "HEAD" else request.method


def _query(request: Request, operation: Operation) -> Any:
    """The address's parameters as the operation's type; the wrong one is named, and one
    without a value is as good as left out.
    """
    given = request.query_params.multi_items()
    fields = dict(given)
    if len(fields) != len(given):
        twice = next(name for name in fields if request.query_params.getlist(name)[1:])
        raise Refused(_bad(f"{twice}: given more than once"))
    told = {name: value for name, value in fields.items() if value or name not in _known(operation)}
    try:
        return msgspec.convert(told, operation.query, strict=False)
    except msgspec.ValidationError as wrong:
        raise Refused(_bad(place_of(wrong))) from wrong


def _known(operation: Operation) -> tuple[str, ...]:
    return operation.query.__struct_fields__


async def _body(request: Request, kind: type[ActBody]) -> ActBody:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            told = f"larger than {BODY_LIMIT_BYTES} bytes"
            raise Refused(problem("too-large", "Too large", status=413, detail=told))
    if not body:
        return kind()
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as wrong:
        raise Refused(_bad(f"body: {place_of(wrong)}")) from wrong


def _bad(detail: str) -> Problem:
    return problem("bad-request", "Bad request", status=400, detail=detail)


def _of_act(refused: ActRefused, call: Call) -> Problem:
    name, title, status = _ACT_PROBLEMS.get(
        refused.message, ("out-of-order", "The step does not fit", 409)
    )
    detail = call.says.format(refused.message, refused.params)
    return problem(name, title, status=status, detail=detail)


def _wrong_method(allowed: Sequence[str]) -> Refused:
    told = problem("method", "Method not allowed", status=405, detail=f"use {', '.join(allowed)}")
    return Refused(told, {"Allow": ", ".join(allowed)})


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    detail = f"no such path; {PREFIX}/openapi.json lists them"
    answer = problem_answer(problem("missing", "Not found", status=404, detail=detail))
    await answer(scope, receive, send)
