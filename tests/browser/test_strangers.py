"""A medium that nobody registered, from the list over its page to the register."""

import re

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from checks.facts.media import MediumAttached
from tests.support.hospital import STRANGE, WARDS, infected, mounted

NAMES = (WARDS[1][1], WARDS[2][1])
STICK = msgspec.structs.replace(STRANGE, key="5742a9e1", serial="5742A9E1")


@pytest.fixture
def seen(site):
    """At two endpoints; infected, and with a name that is no text."""
    site.hospital.tell(WARDS[1][0], MediumAttached(medium=STICK), mounted(STICK), infected(STICK))
    site.hospital.tell(WARDS[2][0], MediumAttached(medium=STICK))


def test_it_is_told_where_it_was_and_registered_from_its_page(officer, seen):
    officer.goto("/media?shown=strangers&q=5742A9E1")
    officer.locator("tr[data-row] .ww-main a").click()
    for name in NAMES:
        expect(officer.locator("#stranger-places")).to_contain_text(name)
    expect(officer.locator("#stranger-head")).to_contain_text("未登记")
    expect(officer.locator("#stranger-cases")).to_contain_text("带毒")
    assert officer.title() != "1"
    assert officer.locator("main img").count() == 0

    for theme in ("light", "dark"):
        officer.emulate_media(color_scheme=theme)
        for width in (390, 1280):
            officer.set_viewport_size({"width": width, "height": 800})
            assert [each["id"] for each in Axe().run(officer).response["violations"]] == []
            assert officer.evaluate("document.documentElement.scrollWidth") <= width
    officer.get_by_role("button", name="English").click()
    expect(officer.locator("#stranger-head")).to_contain_text("nobody registered it")
    expect(officer.locator("#stranger-places")).to_contain_text("there now")
    officer.get_by_role("button", name="中文").click()
    case = officer.locator("#stranger-cases a").first
    assert case.get_attribute("href").startswith("/cases/")

    officer.get_by_role("link", name="登记此介质").click()
    officer.get_by_role("button", name="登记").click()
    expect(officer.locator("#medium-head")).to_contain_text("M-5742A9E1")
    officer.goto("/media/unregistered/5742a9e1")
    expect(officer.locator("#medium-head")).to_contain_text("M-5742A9E1")


def test_a_new_case_comes_to_the_page_without_reload(officer, seen, site):
    key = "5742a9e2"
    other = msgspec.structs.replace(STICK, key=key, serial=key.upper())
    site.hospital.tell(WARDS[1][0], MediumAttached(medium=other))
    officer.goto(f"/media/unregistered/{key}")
    expect(officer.locator("#live-state")).to_have_class(re.compile("ww-live-on"))
    cases = officer.locator("#stranger-cases li")
    before = cases.count()

    site.hospital.tell(WARDS[1][0], mounted(other), infected(other))

    expect(cases).not_to_have_count(before)
