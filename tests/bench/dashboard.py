"""How long the dashboard's pages take in the server, over a big hospital's history on SQLite.

5,000 endpoints, 200,000 cases of two years of which 1 in 100 is open, 10 million observations of
the last 90 days.  Each page is asked for again and again through the whole application, session,
rights and template included; nothing is kept between two requests but what the application keeps.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from sqlalchemy import Table

from checks.facts import Fact
from checks.wire import encode
from collector.auth import user_named
from collector.dashboard.door import SESSION_COOKIE
from collector.sessions import open_session
from collector.store import schema
from tests.bench.figures import Figure, percentile
from tests.support import hospital as seen
from tests.support.hospital import Hospital, now_us

SITE = "https://testserver"
OFFICER = "安全员"
ENDPOINTS, CASES, OBSERVATIONS = 5_000, 200_000, 10_000_000
SMALLER = 50
"""How much smaller the small run is."""
REQUESTS = 40
TWO_YEARS_US, QUARTER_US = 730 * 86_400_000_000, 90 * 86_400_000_000
RULES = ("EXT-01", "EXT-04", "EXT-06", "MED-01", "MED-05", "MED-15", "AV-02", "DEV-01")
SEVERITIES = ("critical", "high", "medium", "low")
DEPARTMENTS = 60
PAGES = {
    "overview": "/",
    "cases": "/cases",
    "cases_closed": "/cases?state=closed&page=300",
    "cases_search": "/cases?state=all&q=PC-0417",
    "case": "/cases/{case}",
    "endpoints": "/endpoints",
    "endpoint": "/endpoints/{endpoint}",
    "media": "/media",
    "hosts": "/hosts",
    "reports": "/reports",
    "learning": "/learning",
    "unseen": "/unseen",
}


def measure(*, small: bool) -> list[Figure]:
    smaller = SMALLER if small else 1
    history = (ENDPOINTS // smaller, CASES // smaller, OBSERVATIONS // smaller)
    tenth = (ENDPOINTS // smaller, CASES // smaller // 10, OBSERVATIONS // smaller // 10)
    figures = list(_pages(*history, PAGES))
    [before] = _pages(*tenth, {"overview": "/"})
    grown = next(figure for figure in figures if figure.name == before.name)
    figures.append(
        Figure(
            name="dashboard.overview.growth",
            value=round(grown.value / before.value, 2),
            unit="x",
            n=REQUESTS,
            load=f"with ten times the history; {before.value:g} ms with a tenth",
        )
    )
    return figures


def _pages(
    endpoints: int, cases: int, observations: int, pages: Mapping[str, str]
) -> Iterator[Figure]:
    load = f"{endpoints:,} endpoints, {cases:,} cases, {observations:,} observations"
    with _hospital(endpoints, cases, observations) as (hospital, names):
        for name, address in pages.items():
            took = asyncio.run(_asked(hospital, address.format(**names)))
            yield Figure(
                name=f"dashboard.{name}.p95_ms",
                value=round(percentile(took, 0.95) * 1000, 1),
                unit="ms",
                n=len(took),
                load=load,
            )


async def _asked(hospital: Hospital, address: str) -> list[float]:
    store = hospital.services.store_engine
    person = user_named(store, OFFICER)
    assert person is not None
    cookies = {SESSION_COOKIE: open_session(store, person, now_us=now_us())}
    transport = httpx.ASGITransport(hospital.application())
    async with httpx.AsyncClient(transport=transport, base_url=SITE, cookies=cookies) as client:
        took = []
        for _ in range(REQUESTS):
            begun = time.perf_counter()
            answer = await client.get(address)
            took.append(time.perf_counter() - begun)
            if answer.status_code != httpx.codes.OK:
                raise AssertionError(f"{address}: {answer.status_code}")
        return took


@contextmanager
def _hospital(
    endpoints: int, cases: int, observations: int
) -> Iterator[tuple[Hospital, Mapping[str, str]]]:
    """With what the addresses of the pages need to be filled in."""
    with tempfile.TemporaryDirectory(prefix="ww-dashboard-") as folder:
        hospital = Hospital(Path(folder), base_url=SITE)
        hospital.people()
        try:
            _fill(hospital, endpoints, cases, observations)
            yield hospital, {"case": _case_id(0), "endpoint": "ep-0007"}
        finally:
            hospital.close()


def _fill(hospital: Hospital, endpoints: int, cases: int, observations: int) -> None:
    now = now_us()
    agent, department = (
        f"printf('ep-%04d', i % {endpoints})",
        f"printf('科室 %d', i % {DEPARTMENTS})",
    )
    quarter, two_years = QUARTER_US // observations, TWO_YEARS_US // cases
    opened = f"{now} - {TWO_YEARS_US} + i * {two_years}"
    is_open = "i % 100 = 0"
    rules, severities = _one_of(RULES), _one_of(SEVERITIES)
    said = {"message": "'{device} ({link_kind}) is attached to this machine'", "params": "'{}'",
            "decided_by": "'rule EXT-04'", "policy_version": "1", "count": "1 + i % 9"}  # fmt: skip
    with hospital.services.store_engine.begin() as connection:
        for table, rows, columns in (
            (schema.endpoints, endpoints, {
                "agent": agent, "name": "printf('WARD-PC-%04d', i)", "department": department,
                "owner": "printf('owner %d', i % 300)", "groups": "'[]'", "enrolled_us": f"{now} - {TWO_YEARS_US}",
                "last_heard_us": f"{now}", "open_cases": f"{cases} / 100 / {endpoints}",
            }),
            (schema.latest, endpoints, _latest(agent, now, seen.health())),
            (schema.latest, endpoints, _latest(agent, now, seen.network())),
            (schema.latest, endpoints, _latest(agent, now, seen.scanner())),
            (schema.coverage_holes, endpoints * 40, {
                "agent": agent, "sensor": "'*'", "from_us": f"{now} - {QUARTER_US} + (i / {endpoints}) * {QUARTER_US // 41}",
                "to_us": f"{now} - {QUARTER_US} + (i / {endpoints}) * {QUARTER_US // 41} + 60000000", "cause": "'silent'",
            }),
            (schema.observations, observations, {
                "agent": agent, "sequence": f"i / {endpoints} + 1", "at_us": f"{now} - {QUARTER_US} + i * {quarter}",
                "received_us": f"{now} - {QUARTER_US} + i * {quarter} + 40000", "sensor": "'connections'", "boot": "'b'",
                "kind": "CASE WHEN i % 200 = 0 THEN 'medium_mounted' ELSE 'connection_seen' END",
                "fact": f"CASE WHEN i % 200 = 0 THEN {_text(seen.mounted(seen.USB))} ELSE {_text(seen.outside())} END",
            }),
            (schema.cases, cases, {
                "id": "printf('EXT-04-%08d', i)", "rule": rules, "agent": agent, "subject": "printf('04e8:6863:%d', i)",
                "severity": severities, "severity_rank": f"i % {len(SEVERITIES)}", "department": department,
                "state": f"CASE WHEN {is_open} THEN 'awaiting_acknowledgement' ELSE 'closed' END",
                "opened_us": opened, "last_seen_us": f"{opened} + 3600000000",
                "closed_us": f"CASE WHEN {is_open} THEN 0 ELSE {opened} + 7200000000 END",
                "acknowledge_due_us": f"{opened} + 1800000000", **said,
            }),
            (schema.findings, cases, {
                "case": "printf('EXT-04-%08d', i)", "agent": agent, "sequence": f"i / {endpoints} + 1", "ordinal": "0",
                "at_us": opened, "severity": severities, **said,
            }),
            (schema.timeline, cases * 2, {
                "case": f"printf('EXT-04-%08d', i % {cases})", "entry": "i", "ordinal": "0", "at_us": f"{now} - i",
                "actor": "''", "act": "'opened'", "detail": "'{}'",
            }),
        ):  # fmt: skip
            connection.exec_driver_sql(_insert(table, rows, columns))
        connection.exec_driver_sql("ANALYZE")


def _latest(agent: str, now: int, fact: Fact) -> Mapping[str, str]:
    return {
        "agent": agent,
        "kind": f"'{fact.__struct_config__.tag}'",
        "at_us": str(now),
        "fact": _text(fact),
    }


def _insert(table: Table, rows: int, columns: Mapping[str, str]) -> str:
    """SQL that writes so many rows; `columns` are expressions of their number i, and what they
    leave out has the table's own default.
    """
    others = {
        column.name: repr(column.default.arg)
        for column in table.columns
        if column.default is not None and column.default.is_scalar and column.name not in columns
    }
    told = {**columns, **others}
    names = ", ".join(f'"{name}"' for name in told)
    return (
        f"INSERT INTO {table.name} ({names}) "
        f"WITH RECURSIVE number(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i < {rows - 1}) "
        f"SELECT {', '.join(told.values())} FROM number"
    )


def _text(fact: Fact) -> str:
    return "'" + encode(fact).decode("utf-8").replace("'", "''") + "'"


def _one_of(words: tuple[str, ...]) -> str:
    cases = " ".join(f"WHEN {n} THEN '{word}'" for n, word in enumerate(words))
    return f"CASE i % {len(words)} {cases} END"


def _case_id(number: int) -> str:
    return f"EXT-04-{number:08}"
