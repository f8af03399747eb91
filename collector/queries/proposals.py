"""What was reached outside by endpoints that only observe, and what was rejected."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, Row, Select, func, or_, select

from checks.approvals import standing
from checks.check import Context
from checks.facts.base import Process, UnknownProcess
from checks.facts.connections import ConnectionSeen, Egress, Gateway
from checks.policy import Endpoint, Policy
from checks.policy.allowlist import INTRANET
from checks.wording import address_and_port
from collector.i18n import MISSING
from collector.judging.memory import endpoint_from
from collector.learning import Outreach, Proposed, Rejection, propose
from collector.store import schema

DAY_US = 24 * 3600 * 1_000_000
LEARNT_DAYS = 30
ROWS_MOST = 50_000
REACHED = ("EXT-01", "EXT-02", "EXT-06")
NOBODY = "-"
"""Stands for the gateway where there is none (`checks.wording.way_params`)."""


def proposals(store: Engine, policy: Policy, *, now_us: int) -> Proposed:
    """From the last `LEARNT_DAYS`, without what the policy has settled since."""
    with store.connect() as connection:
        rows = connection.execute(select(schema.endpoints)).all()
        endpoints = {row.agent: endpoint_from(row) for row in rows}
        observing = [a for a, e in endpoints.items() if policy.mode_for(e) == "observe"]
        if not observing:
            return Proposed(proposals=(), left_out=0)
        reached = connection.execute(_reached(now_us - LEARNT_DAYS * DAY_US)).all()
        rejected = connection.execute(select(schema.rejections)).all()
    return propose(
        _outreaches(reached, {agent: endpoints[agent] for agent in observing}, policy, now_us),
        endpoints,
        rejected=[
            Rejection(destination=row.destination, protocol=row.protocol, via=row.via)
            for row in rejected
        ],
    )


def _reached(since_us: int) -> Select[Any]:
    findings = schema.findings.c
    return (
        select(
            findings.agent,
            findings.params,
            func.min(findings.case).label("case"),
            func.sum(findings["count"]).label("flows"),
            func.min(findings.at_us).label("first_us"),
            func.max(findings.at_us).label("last_us"),
        )
        .where(
            findings.at_us >= since_us,
            or_(*(findings.case.like(f"{rule}-%") for rule in REACHED)),
        )
        .group_by(findings.agent, findings.params)
        .order_by(func.max(findings.at_us).desc())
        .limit(ROWS_MOST)
    )


def _outreaches(
    rows: Sequence[Row[tuple[object, ...]]],
    endpoints: Mapping[str, Endpoint],
    policy: Policy,
    now_us: int,
) -> Iterator[Outreach]:
    for row in rows:
        endpoint = endpoints.get(row.agent)
        seen = _connection(dict(row.params)) if endpoint else None
        if endpoint is None or seen is None:
            continue
        context = Context(policy=policy, endpoint=endpoint, at_us=now_us)
        if not standing(seen, context).is_violation:
            continue
        process = seen.process
        yield Outreach(
            agent=row.agent,
            address=seen.destination,
            port=seen.destination_port,
            protocol=seen.protocol,
            via=INTRANET if row.case.startswith("EXT-06-") else seen.egress.kind,
            process=process.executable if isinstance(process, Process) else "",
            count=int(row.flows),
            first_us=row.first_us,
            last_us=row.last_us,
        )


def _connection(told: Mapping[str, str]) -> ConnectionSeen | None:
    """The connection as far as its finding tells of it; None for the beacon's answer."""
    if "destination" not in told:
        return None
    address, port = address_and_port(told["destination"])
    gateway = "" if told["gateway"] == NOBODY else told["gateway"]
    name = told.get("process", MISSING)
    return ConnectionSeen(
        protocol=told["protocol"],
        source="",
        source_port=0,
        destination=address,
        destination_port=port,
        direction="out",
        answer="two_way",
        egress=Egress(
            interface=told["interface"],
            kind=told["link_kind"],
            gateway=gateway,
            link_gateways=(Gateway(address=gateway),) if gateway else (),
        ),
        process=(
            UnknownProcess(why="gone")
            if name == MISSING
            else Process(pid=0, name=name, executable=name, user=told.get("user", ""))
        ),
        first_seen_us=0,
    )
