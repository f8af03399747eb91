"""The wall of the duty room in a real browser: live, loud when it is not, legible from afar."""

import re

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from checks.facts.connections import ConnectionSeen
from tests.browser.conftest import enter
from tests.support.hospital import outside

SMALLEST_PX = 18.5
"""The least important line at 1920 × 1080; what tells of a case is larger."""
CASE_PX = 24.0
"""On a screen of 55 inches a letter of this size is 15 mm high: 4 m at 1:260."""
SIZES = "els => els.map(e => parseFloat(getComputedStyle(e).fontSize))"


def by_another_way_out() -> ConnectionSeen:
    """A case of its own, whatever the tests before this one opened."""
    seen = outside("198.51.100.150")
    return msgspec.structs.replace(
        seen, egress=msgspec.structs.replace(seen.egress, interface="usb7", gateway="192.168.77.1")
    )


@pytest.fixture
def wall(officer: Page) -> Page:
    officer.set_viewport_size({"width": 1920, "height": 1080})
    officer.goto("/wall")
    expect(officer.locator("#live-state")).to_have_class(re.compile("ww-live-on"))
    return officer


def test_it_fits_the_screen_and_is_large_enough_to_read(wall):
    scrolled = wall.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    titles = wall.locator(".ww-wall-title strong, .ww-wall-clock b, .ww-wall-where")
    every = wall.locator("main *:not(svg *)")

    assert scrolled == [1920, 1080]
    assert min(titles.evaluate_all(SIZES)) >= CASE_PX
    assert min(every.evaluate_all(SIZES)) >= SMALLEST_PX
    expect(wall.locator("body")).to_have_attribute("data-bs-theme", "dark")


def test_clocks_count_down_and_an_overdue_one_says_so(wall):
    clock = wall.locator("[data-due]").first
    expect(clock).to_have_text(re.compile(r"^\d+:\d\d:\d\d$"))
    before = clock.inner_text()
    expect(clock).not_to_have_text(before)

    clock.evaluate("e => { e.dataset.due = String(Date.now() - 3_600_000); }")

    expect(clock).to_have_text(re.compile(r"^超时 1:00:0\d$"))
    expect(wall.locator(".ww-wall-over")).not_to_have_count(0)


def test_a_new_critical_case_is_shown_and_heard_once_somebody_allowed_it(wall, site):
    sound = wall.locator("#wall-sound")
    expect(sound).to_have_attribute("aria-pressed", "false")
    expect(sound).to_have_text("声音已关闭")
    sound.click()
    expect(sound).to_have_text("声音已开启")
    expect(sound).to_have_attribute("data-sounded", "1")
    critical = wall.locator(".ww-wall-figure b").first
    count = int(critical.inner_text())

    site.hospital.tell("ssk-006", by_another_way_out())

    expect(critical).to_have_text(str(count + 1))
    expect(sound).to_have_attribute("data-sounded", "2")
    expect(wall.locator(".ww-fresh")).not_to_have_count(0)
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "false")


def test_a_broken_stream_is_told_loudly(officer):
    officer.set_viewport_size({"width": 1920, "height": 1080})
    officer.route("**/live", lambda route: route.abort())

    officer.goto("/wall")

    told = officer.locator("#live-state")
    expect(told).to_have_text("已断线：画面内容不是最新")
    assert told.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") > 40
    assert told.bounding_box()["width"] > 1800
    officer.unroute("**/live")
    expect(told).to_have_text("实时", timeout=15_000)


def test_an_answer_that_does_not_come_is_told_though_the_stream_is_open(wall):
    wall.clock.install()
    wall.goto("/wall")
    expect(wall.locator("#live-state")).to_have_text("实时")
    wall.route("**/wall", lambda route: route.abort())

    wall.clock.fast_forward(200_000)

    expect(wall.locator("body")).to_have_class(re.compile("ww-wall-stale"))
    expect(wall.locator("#live-state")).to_have_text("已断线：画面内容不是最新")


@pytest.mark.parametrize("width", [1920, 390])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_is_accessible_and_never_wider_than_the_screen(officer, width, theme):
    height = 1080 if width == 1920 else 844
    officer.set_viewport_size({"width": width, "height": height})
    officer.context.add_cookies([{"name": "wardwatch-theme", "value": theme, "url": officer.url}])
    officer.goto("/wall")
    expect(officer.locator("body")).to_have_attribute("data-bs-theme", theme)
    expect(officer.locator("[data-due]").first).to_have_text(re.compile(r"\d:\d\d"))

    found = Axe().run(officer)

    assert found.response["violations"] == []
    assert officer.evaluate("document.documentElement.scrollWidth") == width


def test_the_keyboard_alone_reaches_the_sound_and_the_way_out(wall):
    wall.locator("#main").evaluate("e => e.blur()")
    names = []
    for _ in range(3):
        wall.keyboard.press("Tab")
        names.append(wall.evaluate("document.activeElement.id || document.activeElement.pathname"))

    assert names == ["wall-sound", "wall-full", "/"]


def test_a_motion_that_is_not_wanted_is_not_made(chromium, site):
    context = chromium.new_context(
        base_url=site.address, ignore_https_errors=True, locale="zh-CN", reduced_motion="reduce"
    )
    page = context.new_page()
    enter(page)
    page.goto("/wall")
    row = page.locator(".ww-wall-case").first

    row.evaluate("e => e.classList.add('ww-fresh')")

    assert row.evaluate("e => getComputedStyle(e).animationName") == "none"
    context.close()
