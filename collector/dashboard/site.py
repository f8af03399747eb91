"""What stands where."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from collector.alerts.links import PATH as ACKNOWLEDGE
from collector.dashboard import (
    case_filters,
    cases,
    duty,
    endpoint_import,
    endpoints,
    first,
    hosts,
    learning,
    media,
    media_import,
    policy,
    policy_replay,
    receipts,
    reports,
    rules,
    strangers,
    unseen,
    wall,
)
from collector.dashboard.acknowledge import Acknowledging
from collector.dashboard.assets import STATIC, STATIC_PATH, StaticRoom
from collector.dashboard.door import Door, Endpoint
from collector.dashboard.login import Login
from collector.ports import Change, Services
from collector.queries.cases import change_within
from collector.rights import Action
from collector.streams import as_it_is, stream_of


def routes(services: Services) -> list[BaseRoute]:
    """Every path of the dashboard, for the application that `collector.app` composes."""
    door = Door(services)
    login = Login(services, door)
    acknowledging = Acknowledging(services)
    see, cases_of, view = Action.SEE_HOSPITAL, Action.SEE_CASES, door.view
    return [
        Mount(STATIC_PATH, StaticRoom(directory=STATIC)),
        Route("/login", login.show, methods=["GET"]),
        Route("/login", login.enter, methods=["POST"]),
        Route("/logout", login.leave, methods=["POST"]),
        Route("/preferences", login.prefer, methods=["POST"]),
        Route(f"{ACKNOWLEDGE}/{{token}}", acknowledging.show, methods=["GET"]),
        Route(f"{ACKNOWLEDGE}/{{token}}", acknowledging.take, methods=["POST"]),
        Route("/live", _live(services, door)),
        Route("/", view(first.Overview().show, cases_of)),
        Route("/cases", view(cases.listed, cases_of), methods=["GET"]),
        Route("/cases", view(case_filters.posted, cases_of), methods=["POST"]),
        Route("/cases/{case}", view(cases.one_case, cases_of), methods=["GET"]),
        Route("/cases/{case}", view(cases.act, Action.ANSWER_CASES), methods=["POST"]),
        Route("/endpoints", view(endpoints.listed, Action.SEE_ENDPOINTS)),
        Route(
            "/endpoints/import",
            view(endpoint_import.show, Action.EDIT_REGISTER),
            methods=["GET"],
        ),
        Route(
            "/endpoints/import",
            view(endpoint_import.take, Action.EDIT_REGISTER),
            methods=["POST"],
        ),
        Route("/endpoints/export.{form}", view(endpoint_import.export, Action.SEE_ENDPOINTS)),
        Route("/endpoints/{agent}", view(endpoints.one, Action.SEE_ENDPOINTS), methods=["GET"]),
        Route(
            "/endpoints/{agent}",
            view(endpoints.register, Action.EDIT_REGISTER),
            methods=["POST"],
        ),
        Route("/media", view(media.listed, see)),
        Route("/media/new", view(media.new, Action.EDIT_REGISTER), methods=["GET"]),
        Route("/media/new", view(media.register, Action.EDIT_REGISTER), methods=["POST"]),
        Route("/media/import", view(media_import.show, Action.EDIT_REGISTER), methods=["GET"]),
        Route("/media/import", view(media_import.take, Action.EDIT_REGISTER), methods=["POST"]),
        Route("/media/export.{form}", view(media.export, see)),
        Route("/media/labels", view(media.labels, see)),
        Route("/media/unregistered/{key}", view(strangers.show, see), methods=["GET"]),
        Route(
            "/media/unregistered/{key}/receipts",
            view(strangers.revoke, Action.EDIT_REGISTER),
            methods=["POST"],
        ),
        Route("/media/{number}", view(media.one, see), methods=["GET"]),
        Route("/media/{number}", view(media.change, Action.EDIT_REGISTER), methods=["POST"]),
        Route(
            "/media/{number}/receipts",
            view(receipts.revoke, Action.EDIT_REGISTER),
            methods=["POST"],
        ),
        Route("/duty", view(duty.show, see), methods=["GET"]),
        Route("/duty", view(duty.hand_over, Action.WORK_CASES), methods=["POST"]),
        Route("/duty/shifts", view(duty.change, Action.EDIT_REGISTER), methods=["POST"]),
        Route("/duty/import", view(duty.take_in, Action.EDIT_REGISTER), methods=["POST"]),
        Route("/hosts", view(hosts.listed, Action.SEE_ENDPOINTS)),
        Route("/learning", view(learning.show, Action.SEE_POLICY), methods=["GET"]),
        Route("/learning", view(learning.decide, Action.APPLY_POLICY), methods=["POST"]),
        Route("/policy/replay", view(policy_replay.show, Action.SEE_POLICY)),
        Route("/policy", view(policy.show, Action.SEE_POLICY), methods=["GET"]),
        Route("/policy", view(policy.edit, Action.APPLY_POLICY), methods=["POST"]),
        Route("/reports", view(reports.show, see)),
        Route("/reports/{period}.{form}", view(reports.download, see)),
        Route("/rules", view(rules.listed, cases_of)),
        Route("/rules/{rule}", view(rules.one, cases_of)),
        Route("/wall", view(wall.show, see)),
        Route("/unseen", view(unseen.show, Action.SEE_FAULTS)),
    ]


def _live(services: Services, door: Door) -> Endpoint:
    async def live(request: Request) -> Response:
        session = await door.session(request)
        if session is None:
            return Response(status_code=401)
        within = session.user.department

        async def welcome() -> bool:
            return await door.session(request) is not None

        async def theirs(change: Change) -> Change:
            return await run_in_threadpool(change_within, services.store_engine, change, within)

        return stream_of(services.changes, welcome, theirs if within else as_it_is)

    return live
