"""The running policy: shown, tried, compared and applied."""

from difflib import unified_diff
from http import HTTPStatus

import msgspec
from starlette.responses import Response

from checks.policy import PolicyError, check_limits, parse_policy
from collector.alerts.reminders import endings
from collector.dashboard import policy_replay
from collector.dashboard.door import Visit, see_other
from collector.dashboard.forms import one as field
from collector.policies import PolicyChanged

DIFF_LINES = 400
VERSION_DIGITS = 9
MEANWHILE = (
    "Version {newest}, applied by {actor}, is in force now, not version {over} any more. Nothing "
    "was changed. See below what yours would change in it, and apply it again if that is right."
)
MARK = "# proposed by wardwatch"
"""The first line of a policy that nobody has looked at yet."""


class DiffLine(msgspec.Struct, frozen=True, kw_only=True):
    """`sort`: `added`, `removed`, `place` (where in the text) or `same`."""

    sort: str
    text: str


def show(visit: Visit) -> Response:
    return _page(visit, visit.services.policies.text())


def edit(visit: Visit) -> Response:
    """Checks the text and shows what would change; applies it when asked to."""
    text = field(visit.form, "text").replace("\r\n", "\n")
    try:
        check_limits(parse_policy(text), now_us=visit.services.clock())
        if field(visit.form, "step") == "apply":
            visit.services.policies.apply(text, actor=visit.user, over=_seen(visit))
            return see_other("/policy?applied=1")
        if field(visit.form, "step") == "replay":
            return policy_replay.start(visit, text)
    except PolicyError as wrong:
        return _page(visit, text, error=str(wrong))
    except PolicyChanged as changed:
        return _page(visit, text, meanwhile=visit.says.format(MEANWHILE, changed.params))
    return _page(visit, text, checked=True)


def _seen(visit: Visit) -> int:
    """The version that the page was made of; 0, which is never in force, for no number."""
    told = field(visit.form, "version")
    return int(told) if told.isascii() and told.isdecimal() and len(told) <= VERSION_DIGITS else 0


def is_proposed(text: str) -> bool:
    return text.lstrip().lower().startswith(MARK)


def _page(
    visit: Visit, text: str, *, error: str = "", meanwhile: str = "", checked: bool = False
) -> Response:
    policies = visit.services.policies
    in_force = policies.current()  # before the text: whoever saw an older one is refused
    running = policies.text()
    status = HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK
    return visit.page(
        "policy.html",
        HTTPStatus.CONFLICT if meanwhile else status,
        text=text,
        error=error,
        meanwhile=meanwhile,
        checked=checked or bool(meanwhile),
        applied=bool(visit.asked("applied")) and not visit.form,
        changes=_changes(running, text),
        replay_days=policy_replay.DAYS,
        policy=in_force,
        proposed=is_proposed(running),
        approvals=tuple(endings(in_force, visit.services.clock())),
    )


def _changes(running: str, text: str) -> list[DiffLine]:
    told = unified_diff(running.splitlines(), text.splitlines(), lineterm="", n=2)
    lines = list(told)[2 : 2 + DIFF_LINES]  # without the two lines that name files
    return [DiffLine(sort=_sort(line), text=line) for line in lines]


def _sort(line: str) -> str:
    return {"+": "added", "-": "removed", "@": "place"}.get(line[:1], "same")
