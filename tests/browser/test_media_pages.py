"""The media pages at a telephone's width: every page can be reached, labels are in one menu."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from checks.facts.media_register import RegisteredMedium
from tests.browser.test_dashboard import register

PAGES = (
    "/",
    "/cases",
    "/endpoints",
    "/media",
    "/hosts",
    "/unseen",
    "/learning",
    "/policy",
    "/rules",
)
PHONE = {"width": 390, "height": 800}


@pytest.fixture
def phone(officer, site):
    register(site, RegisteredMedium(number="L-1", serial="LABELLED", owner="王"))
    officer.set_viewport_size(PHONE)
    officer.goto("/media")
    return officer


def test_every_page_is_within_reach_of_a_thumb_in_both_languages(phone):
    for language in ("English", "中文"):
        phone.get_by_role("button", name=language).click()
        more = phone.locator(".ww-side-more")
        for address in PAGES:
            link = phone.locator(f"nav ul a[href='{address}']:visible")
            if not link.count():
                more.locator("summary").click()
            expect(link).to_have_count(1)
            box = link.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= PHONE["width"]
            link.click()
            expect(phone.locator(f"nav ul a[href='{address}']").first).to_have_attribute(
                "aria-current", "page"
            )
        phone.goto("/media")


def test_the_menu_of_labels_opens_within_the_page_and_closes_again(phone):
    menu = phone.locator("#labels-menu")
    menu.locator("summary").click()

    links = menu.locator("a")
    expect(links).to_have_count(3)
    for link in links.all():
        box = link.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]
    assert [each["id"] for each in Axe().run(phone).response["violations"]] == []
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    phone.keyboard.press("Escape")
    expect(links.first).to_be_hidden()

    phone.goto("/media/L-1")
    expect(phone.get_by_text("不限")).to_have_count(3)
    phone.locator("#labels-menu summary").click()
    phone.locator("h1").click()
    expect(phone.locator("#labels-menu a").first).to_be_hidden()
