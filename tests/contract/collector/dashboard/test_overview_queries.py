"""The first page and the wall cost the same however long the history is: no query walks through it."""

import re
from typing import Self

import pytest
from sqlalchemy import event, insert, select

from collector.store import schema
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import HOUR_US, Hospital, now_us, seeded

PAGES = ("/", "/wall")
LONG = ("cases", "observations", "findings", "timeline", "alerts", "coverage_holes")
"""Tables that grow with the years."""
IN_ORDER = re.compile(r"SCAN cases USING INDEX ix_cases_opened_us")
"""Walks the index from its newest end and stops at the limit: eight rows, whatever is behind."""


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = seeded(tmp_path_factory.mktemp("hospital"), base_url=SITE)
    yield made
    made.close()


class Asked:
    """Every statement of a page with its plan, and the virtual machine's steps for them all."""

    def __init__(self, hospital: Hospital) -> None:
        self._engine = hospital.services.store_engine
        self._said: list[tuple[str, object]] = []
        self._hundreds = 0

    def __enter__(self) -> Self:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, connection, _cursor, statement, parameters, *_more) -> None:
        if statement.startswith("SELECT"):
            self._said.append((statement, parameters))
            connection.connection.dbapi_connection.set_progress_handler(self._count, 100)

    def _count(self) -> int:
        self._hundreds += 1
        return 0

    @property
    def steps(self) -> int:
        return self._hundreds * 100

    def plans(self) -> list[str]:
        with self._engine.connect() as connection:
            return [
                row[3]
                for statement, parameters in self._said
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            ]


def asked(hospital: Hospital, page: str) -> Asked:
    with Asked(hospital) as noted:
        assert ask(hospital, "GET", page, who="安全员").status_code == 200
    return noted


def walks(plan: str) -> bool:
    return any(re.match(rf"SCAN {table}\b", plan) for table in LONG) and not IN_ORDER.match(plan)


@pytest.mark.parametrize("page", PAGES)
def test_no_query_of_the_page_walks_through_the_history(hospital, page):
    plans = asked(hospital, page).plans()

    assert len(plans) > 15
    assert any("ix_cases_closed_us" in plan for plan in plans)
    assert [plan for plan in plans if walks(plan)] == []


def test_ten_times_the_history_costs_the_same(hospital):
    grow(hospital, 300)
    before = {page: asked(hospital, page).steps for page in PAGES}
    grow(hospital, 3000)

    after = {page: asked(hospital, page).steps for page in PAGES}

    assert min(before.values()) > 0
    assert [page for page in PAGES if after[page] > before[page] * 1.3] == []


def grow(hospital: Hospital, number: int) -> None:
    """So many closed cases and sent mails of a year ago."""
    store, long_ago_us = hospital.services.store_engine, now_us() - 365 * 24 * HOUR_US
    with store.begin() as connection:
        case = dict(connection.execute(select(schema.cases).limit(1)).mappings().one())
        alert = dict(connection.execute(select(schema.alerts).limit(1)).mappings().one())
        old = {"opened_us": long_ago_us, "closed_us": long_ago_us + 1, "state": "closed"}
        cases = [{**case, **old, "id": f"OLD-{number}-{n}"} for n in range(number)]
        sent = {"state": "sent", "sent_us": long_ago_us, "created_us": long_ago_us}
        mails = [{**alert, **sent, "key": f"old-{number}-{n}"} for n in range(number)]
        connection.execute(insert(schema.cases), cases)
        connection.execute(insert(schema.alerts), mails)
