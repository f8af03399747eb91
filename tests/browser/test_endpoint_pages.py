"""The endpoint's page and its list by keyboard alone, at a telephone's width, for axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from checks.facts.health import SensorGap
from tests.browser.conftest import enter
from tests.support.hospital import HOUR_US, health, now_us

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


def test_a_focused_hole_keeps_the_focus_when_the_page_is_brought_up_to_date(told, site):
    mark = told.locator(".ww-mark[id^='hole-connections-']")
    mark.focus()
    expect(mark.locator("text")).to_be_visible()

    with told.expect_response(lambda answer: PAGE in answer.url):
        site.hospital.tell("ssk-006", health())

    expect(mark).to_be_focused()


def test_the_list_is_sorted_by_a_heading_and_narrowed_by_a_count_with_the_keyboard(officer):
    officer.goto("/endpoints")
    officer.get_by_role("link", name="责任人").focus()
    officer.keyboard.press("Enter")
    expect(officer.locator("th[aria-sort=ascending]")).to_contain_text("责任人")
    officer.locator(".ww-spans a[href*='state=off']").focus()
    officer.keyboard.press("Enter")

    expect(officer.locator(".ww-spans a[aria-current]")).to_contain_text("离线")
    expect(officer.locator("select[name=sort]")).to_have_value("owner")


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
