"""What the page of an endpoint tells: links, media, versions, holes with their causes, cases."""

import re

import pytest

from checks.facts.health import SensorGap
from checks.facts.media import MediumAttached, MediumDetached
from collector.cases import Act
from collector.queries.cases import CaseFilter, newest_cases
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import (
    HOUR_US,
    STRANGE,
    USB,
    WARDS,
    Hospital,
    infected,
    mounted,
    network,
    now_us,
    outside,
    scanner,
    started,
)

NK3 = WARDS[0][0]
PAGE = f"/endpoints/{NK3}"
CAUSES = {"en": ("overrun", "not enrolled yet"), "zh_CN": ("数据过多", "尚未登记")}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = Hospital(tmp_path_factory.mktemp("hospital"), base_url=SITE)
    made.people()
    made.enrol(WARDS[0], ago_us=20 * 24 * HOUR_US)
    gap = SensorGap(
        sensor="connections",
        cause="overrun",
        from_us=now_us() - 50 * HOUR_US,
        to_us=now_us() - 48 * HOUR_US,
        lost=7,
    )
    made.tell(NK3, started(), network(), scanner(), gap)
    came = (MediumAttached(medium=USB), mounted(USB), infected(USB))
    made.tell(NK3, *came, ago_us=3 * HOUR_US)
    made.tell(NK3, MediumDetached(medium=USB), ago_us=HOUR_US)
    made.tell(NK3, MediumAttached(medium=STRANGE))
    made.tell(NK3, outside())
    yield made
    made.close()


def page(hospital, language: str = "en", query: str = "") -> str:
    answer = ask(hospital, "GET", PAGE + query, who="安全员", language=language)
    assert answer.status_code == 200
    return answer.text


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_interfaces_are_told_with_their_way_out(hospital):
    told = text_of(page(hospital))

    assert re.search(r"enp1s0 wired up 10\.20\.3\.17/16 10\.20\.0\.1 02:00:00:00:00:17", told)


def test_media_are_told_with_when_how_long_scan_and_a_link_to_their_page(hospital):
    html = page(hospital)

    assert f'href="/media/unregistered/{USB.key}"' in html
    row = text_of(html[html.index("Kingston") :][:900])
    assert "2 h" in row
    assert "infected" in row
    assert "not taken out yet" in text_of(html)
    assert "<img src=x" not in html


def test_versions_are_told(hospital):
    told = text_of(page(hospital))

    assert re.search(r"Client version 0\.1\.0", told)
    assert "ClamAV 1.4.6 · 27801" in told


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_hole_names_its_cause_on_the_band_and_in_the_list(hospital, language):
    html = page(hospital, language)
    marks = re.findall(
        r'<g class="ww-mark" id="[^"]+" tabindex="0" role="img" aria-label="([^"]+)"', html
    )

    assert len(marks) >= 2
    assert all(f"<title>{mark}</title>" in html for mark in marks)
    assert all(f'aria-hidden="true">{mark}</text>' in html for mark in marks)
    for cause in CAUSES[language]:
        assert any(cause in mark for mark in marks)
    assert f"<li><b>{CAUSES[language][0]}</b>" in html


def test_a_shorter_span_leaves_out_what_is_older(hospital):
    assert CAUSES["en"][0] in page(hospital, query="?days=7")
    assert CAUSES["en"][0] not in page(hospital, query="?days=1")


@pytest.mark.parametrize("days", ["", "0", "-1", "9" * 5000, "%00", "thirty"])
def test_a_span_that_nobody_offers_is_the_longest(hospital, days):
    assert "Coverage, last 30 days" in page(hospital, query=f"?days={days}")


def test_open_cases_are_told_and_those_that_were_closed_last(hospital):
    assert "Closed last" not in page(hospital)
    store, acts = hospital.services.store_engine, hospital.services.acts
    [row] = newest_cases(store, CaseFilter(endpoint=NK3, rules=("EXT-01",)), limit=2)
    acts.on_case(row.case.id, Act.FALSE_ALARM, actor="安全员", reason="a test")
    acts.on_case(row.case.id, Act.CONFIRM, actor="duty", reason="a test")

    html = page(hospital)

    closed = html[html.index("Closed last") :]
    assert f"/cases/{row.case.id}" in closed
    assert f"/cases/{row.case.id}" not in html[: html.index("Closed last")]
