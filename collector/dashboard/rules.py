"""The rules' own pages: what each one means, cites, and how fast it wants an answer."""

from starlette.responses import Response

from checks.check import discover
from collector.citations import rule_name
from collector.dashboard.clauses import clauses_of
from collector.dashboard.door import Visit


def listed(visit: Visit) -> Response:
    return visit.page(
        "rules.html",
        checks=discover(),
        policy=visit.services.policies.current(),
    )


def one(visit: Visit) -> Response:
    check = discover().get(visit.request.path_params["rule"])
    if check is None:
        return visit.missing()
    policy = visit.services.policies.current()
    level = policy.hospital.protection_level
    say = visit.says.gettext
    return visit.page(
        "rule.html",
        check=check,
        name=rule_name(check.rule, visit.says.language),
        title=say(check.title),
        paragraphs=[
            say(" ".join(part.split()))
            for part in check.documentation.split("\n\n")
            if part.strip()
        ],
        remedy=say(check.remedy),
        settings=policy.settings(check.rule),
        clauses=clauses_of(check.rule, level),
        level=level,
    )
