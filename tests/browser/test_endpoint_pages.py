"""The endpoint's page and its list by keyboard alone, at a telephone's width, for axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from checks.facts.health import SensorGap
from tests.browser.conftest import enter
from tests.support.hospital import HOUR_US, now_us

PHONE = {"width": 390, "height": 800}
PAGE = "/endpoints/ssk-006"


@pytest.fixture
def told(officer, site):
    """The page of an endpoint with a hole in what its sensor saw."""
    gap = SensorGap(
        sensor="connections", cause="overrun", from_us=now_us() - 2 * HOUR_US, to_us=now_us()
    )
    site.hospital.tell("ssk-006", gap)
    officer.goto(PAGE + "?days=1")
    return officer


def test_a_hole_says_its_cause_when_it_is_focused_and_when_it_is_pointed_at(told):
    mark = told.locator(".ww-mark").first
    words = mark.locator("text")
    expect(words).to_be_hidden()

    mark.focus()
    expect(words).to_be_visible()
    told.locator("h1").click()
    expect(words).to_be_hidden()
    mark.locator("rect").hover()
    expect(words).to_be_visible()


def test_the_page_fits_a_telephone_in_both_languages(told):
    told.set_viewport_size(PHONE)
    for language in ("English", "中文"):
        told.get_by_role("button", name=language).click()
        told.goto(PAGE)
        assert told.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_pages_are_accessible(told, chromium, site):
    context = chromium.new_context(
        base_url=site.address, ignore_https_errors=True, bypass_csp=True, locale="zh-CN"
    )
    page = context.new_page()
    enter(page)
    faults = []
    for path in (PAGE, "/endpoints", "/endpoints/import"):
        page.goto(path)
        faults += [violation["id"] for violation in Axe().run(page).response["violations"]]
    context.close()

    assert faults == []
