"""Filters that people keep: their own, or shown to all, with live counts."""

import re

import pytest

from collector.auth import add_user
from collector.filters import (
    NAME_TAKEN,
    NAME_WRONG,
    NO_SUCH_FILTER,
    OWN_LIMIT,
    TOO_MANY_FILTERS,
    FilterRefused,
    delete_filter,
    filters_for,
    rename_filter,
    save_filter,
)
from collector.judge import rebuild
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import PASSWORD, WARDS, Hospital, leak, network, now_us, outside

OFFICER = "安全员"
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(tmp_path, base_url=SITE)
    made.people()
    for ward in WARDS[:2]:
        made.enrol(ward)
        made.tell(ward[0], network(), leak("two_way"), outside())
    yield made
    made.close()


def send(hospital, act, *, who=OFFICER, query="", **fields):
    data = {"act": act, **fields}
    return ask(hospital, "POST", f"/cases{query}", who=who, data=data, with_token=True)


def kept(hospital, who=OFFICER):
    return filters_for(hospital.services.store_engine, who, shared=True)


def chips(hospital, who=OFFICER, path="/cases") -> list[tuple[str, str]]:
    """Name and count of each."""
    page = ask(hospital, "GET", path, who=who).text
    return re.findall(
        r'class="ww-chip".*?<span>(?:<bdi[^>]*>)?([^<]*).*?<b>(\d+)</b>', page, re.DOTALL
    )


def test_a_filter_is_kept_and_shown_with_its_count_that_follows_the_cases(hospital):
    query = "?rule=EXT-06&severity=&state=open&page=3&evil=1"
    assert send(hospital, "save_filter", query=query, name="外发").status_code == 303
    assert chips(hospital) == [("外发", "2")]

    hospital.enrol(WARDS[2])
    hospital.tell(WARDS[2][0], network(), leak("two_way"))

    assert chips(hospital) == [("外发", "3")]
    assert [each.query for each in kept(hospital)] == ["rule=EXT-06"]
    page = ask(hospital, "GET", "/cases?rule=EXT-06&state=open", who=OFFICER).text
    assert 'href="/cases?rule=EXT-06" aria-current="true"' in page


def test_ones_own_is_nobody_elses_and_a_shared_one_is_everybodys(hospital):
    send(hospital, "save_filter", name="own", query="?state=all")
    send(hospital, "save_filter", name="ours", query="?state=closed", shared="yes")

    assert [name for name, _ in chips(hospital)] == ["ours", "own"]
    for who in ("duty", "auditor", "director", "admin"):
        assert [name for name, _ in chips(hospital, who)] == ["ours"]


def test_who_works_no_cases_keeps_filters_but_shares_none(hospital):
    send(hospital, "save_filter", name="mine", shared="yes", who="auditor")

    assert [each.shared for each in kept(hospital, "auditor")] == [False]
    assert chips(hospital, "duty") == []


def test_a_departments_officer_counts_the_own_cases_and_sees_nobodys_filters(hospital):
    add_user(
        hospital.services.store_engine,
        name="林晓棠",
        password=PASSWORD,
        role="department",
        department=WARDS[0][2],
        now_us=now_us(),
    )
    send(hospital, "save_filter", name="林晓棠的事", shared="yes")
    send(hospital, "save_filter", name="mine", who="林晓棠", shared="yes")

    assert chips(hospital, "林晓棠") == [("mine", "2")]
    assert [name for name, _ in chips(hospital)] == ["林晓棠的事"]


def test_it_is_renamed_replaced_and_removed_by_its_owner(hospital):
    send(hospital, "save_filter", name="a", query="?rule=EXT-06")
    send(hospital, "save_filter", name="a", query="?rule=EXT-01")
    [only] = kept(hospital)

    send(hospital, "rename_filter", filter=only.id, name="b")
    assert [(each.name, each.query) for each in kept(hospital)] == [("b", "rule=EXT-01")]
    send(hospital, "delete_filter", filter=only.id)
    assert kept(hospital) == []


def test_nobody_else_changes_it_but_an_officer_removes_what_is_shared(hospital):
    send(hospital, "save_filter", name="own", who="duty")
    send(hospital, "save_filter", name="ours", who="duty", shared="yes")
    own, ours = sorted(kept(hospital, "duty"), key=lambda each: each.shared)

    for who in ("auditor", OFFICER):
        assert send(hospital, "rename_filter", who=who, filter=ours.id, name="x").status_code == 409
        assert send(hospital, "delete_filter", who=who, filter=own.id).status_code == 409
    assert send(hospital, "delete_filter", who="auditor", filter=ours.id).status_code == 409
    assert send(hospital, "delete_filter", filter=ours.id).status_code == 303
    assert [each.name for each in kept(hospital, "duty")] == ["own"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\u202eb", "a\0b", "a\nb"])
def test_a_name_that_cannot_be_read_is_refused_in_words(hospital, name):
    refused = send(hospital, "save_filter", name=name)

    assert refused.status_code == 409
    assert "A filter&#39;s name has 1 to 40 characters" in refused.text
    assert kept(hospital) == []


def test_hostile_names_and_queries_are_shown_inert(hospital):
    send(hospital, "save_filter", name=HOSTILE, query="?q=%22%3E%3Cscript%3Ealert(1)&owner=%00")
    send(hospital, "save_filter", name="long", query="?q=" + "%E9%95%BF" * 5_000)

    page = ask(hospital, "GET", "/cases", who=OFFICER)

    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert all(len(each.query) <= 2_000 for each in kept(hospital))


def test_the_store_refuses_what_does_not_fit(hospital):
    store = hospital.services.store_engine

    def save(name):
        save_filter(store, owner="duty", name=name, query="", shared=False, now_us=1)

    for number in range(OWN_LIMIT):
        save(f"f{number}")
    first, second = kept(hospital, "duty")[:2]
    for message, act in (
        (TOO_MANY_FILTERS, lambda: save("one more")),
        (NAME_WRONG, lambda: save("\u200f")),
        (NAME_TAKEN, lambda: rename_filter(store, first.id, owner="duty", name=second.name)),
        (NO_SUCH_FILTER, lambda: rename_filter(store, first.id, owner="x", name="y")),
        (NO_SUCH_FILTER, lambda: delete_filter(store, "no such", owner="duty", any_shared=True)),
    ):
        with pytest.raises(FilterRefused) as told:
            act()
        assert told.value.message == message
    rename_filter(store, first.id, owner="duty", name=first.name)


def test_a_rebuilt_store_still_has_it(hospital):
    send(hospital, "save_filter", name="kept")

    rebuild(hospital.services.store_engine, hospital.services.journal)

    assert [each.name for each in kept(hospital)] == ["kept"]
