"""Words of the evidence and of people are found, in any script; nothing in them is a pattern."""

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import postgresql

from collector.queries.case_texts import tells
from collector.queries.cases import CaseFilter, count_cases, newest_cases
from tests.support.hospital import USB as STICK
from tests.support.hospital import WARDS, Hospital, infected, mounted, network, outside

COMMENT = "已电话通知护士长，Phone Taken away 100%_'\"\\"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    made = Hospital(tmp_path_factory.mktemp("hospital"))
    for ward in WARDS[:2]:
        made.enrol(ward)
    made.tell(WARDS[0][0], network(), outside(), outside("198.51.100.20"))
    made.tell(WARDS[1][0], mounted(STICK), infected(STICK))
    engine = made.services.store_engine
    [case] = newest_cases(engine, CaseFilter(rules=("EXT-01",)), limit=2)
    made.services.acts.on_case(case.case.id, "comment", actor="li", reason=COMMENT)
    yield engine
    made.close()


def rules(store, text):
    found = newest_cases(store, CaseFilter(text=text), limit=100)
    assert count_cases(store, CaseFilter(text=text)) == len(found)
    return {row.case.rule for row in found}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("198.51.100.20", {"EXT-01"}),
        ("203.0.113.9", {"EXT-01"}),
        ("/opt/BROWSER", {"EXT-01"}),
        ("EICAR", {"MED-05"}),
        ("护士长", {"EXT-01"}),
        ("话通", {"EXT-01"}),
        ("长", {"EXT-01"}),
        ("phone taken", {"EXT-01"}),
        ("100%_'", {"EXT-01"}),
        ("\\", {"EXT-01"}),
        ("100_", set()),
        ("%", {"EXT-01"}),
        ("护士_", set()),
        ("\\u62a4", set()),
        ("reason", set()),
        ("' OR 1=1 --", set()),
        ("长" * 5_000, set()),
    ],
)
def test_parts_of_evidence_and_comments_are_found_as_they_are_written(store, text, found):
    assert rules(store, text) == found


def test_postgresql_is_asked_in_its_own_words():
    asked = str(select(tells("x")).compile(dialect=postgresql.dialect()))

    assert "jsonb_each_text(findings.params)" in asked
    assert "ILIKE" in asked
