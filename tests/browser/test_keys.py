"""Cases worked with the keyboard alone, in a real browser; no mouse is touched."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.hospital import PASSWORD, leak

FOCUSED = "document.activeElement"


@pytest.fixture
def page(chromium, site):
    """A stranger's browser, in Chinese, at the login."""
    context = chromium.new_context(
        base_url=site.address,
        ignore_https_errors=True,
        locale="zh-CN",
        viewport={"width": 1280, "height": 800},
    )
    opened = context.new_page()
    opened.goto("/login")
    yield opened
    context.close()


def enter(page: Page) -> None:
    expect(page.locator("#name")).to_be_focused()
    page.keyboard.type("安全员")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#overview")
    heard(page)


def heard(page: Page) -> None:
    """Returns when the page listens to keys: it shows its button only then."""
    expect(page.locator("[data-keys-open]")).to_be_visible()


def go(page: Page, key: str, address: str) -> None:
    page.keyboard.press("g")
    page.keyboard.press(key)
    page.wait_for_url(re.compile(address))
    heard(page)


def tab_to(page: Page, value: str) -> None:
    """Presses Tab until the button of this act has the focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate(f"{FOCUSED}.value") == value:
            return
    raise AssertionError(f"no way by Tab to {value}")


def focused_row(page: Page) -> int:
    """Which row of the list has the focus, -1 for none."""
    return page.evaluate(
        "[...document.querySelectorAll('tr[data-row]')]"
        ".findIndex((row) => row.contains(document.activeElement))"
    )


def test_a_case_is_closed_from_the_login_on_without_a_mouse(page, site):
    site.hospital.tell("jyk-004", leak("two_way"))
    enter(page)
    go(page, "c", "/cases$")
    page.keyboard.press("/")
    page.keyboard.type("JYK-PC-004")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=JYK"))
    heard(page)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/cases/[A-Z]"))
    heard(page)
    page.keyboard.press("a")
    expect(page.locator("#case-head .ww-state")).to_have_text("待核实")
    heard(page)

    page.keyboard.press("c")
    expect(page.locator("#reason")).to_be_focused()
    page.keyboard.type("jka gc 已拔除")
    tab_to(page, "close")
    page.keyboard.press("Enter")

    expect(page.locator("#case-head .ww-state")).to_have_text("已销号")
    expect(page.locator("#case-story")).to_contain_text("jka gc 已拔除")


def test_rows_are_gone_through_ticked_and_commented_on(page):
    enter(page)
    go(page, "c", "/cases$")
    count = page.locator("tr[data-row]").count()
    for key, row in (("j", 0), ("k", 0), ("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        assert focused_row(page) == row
    for _ in range(count + 2):
        page.keyboard.press("j")
    assert focused_row(page) == count - 1

    page.keyboard.press("x")
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(page.locator("input[name=case]:checked")).to_have_count(2)
    page.keyboard.press("x")
    expect(page.locator("input[name=case]:checked")).to_have_count(1)
    page.keyboard.press("c")
    page.keyboard.type("看过")
    tab_to(page, "comment")
    page.keyboard.press("Enter")

    expect(page.get_by_text("已为 1 个事件添加说明")).to_be_visible()


@pytest.mark.parametrize(("key", "address"), [("o", "/$"), ("e", "/endpoints$"), ("m", "/media$")])
def test_g_and_a_letter_go_to_a_page(page, key, address):
    enter(page)
    go(page, "c", "/cases$")
    go(page, key, address)


def test_where_text_is_written_no_key_does_anything_but_write(page):
    enter(page)
    go(page, "c", "/cases$")
    page.keyboard.press("/")
    page.keyboard.type("gcjkxa?/")

    assert page.locator("input[type=search]").input_value() == "gcjkxa?/"
    assert page.url.endswith("/cases")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_keys_with_a_modifier_are_the_browsers(page):
    enter(page)
    go(page, "c", "/cases$")
    for key in ("Control+j", "Alt+x", "Meta+a"):
        page.keyboard.press(key)

    assert focused_row(page) == -1
    expect(page.locator("input[name=case]:checked")).to_have_count(0)


def test_the_help_comes_and_goes_and_switches_the_keys_off_and_on(page):
    enter(page)
    go(page, "c", "/cases$")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="键盘快捷键")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)

    page.keyboard.press("?")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    for key in ("j", "?", "x"):
        page.keyboard.press(key)
    assert focused_row(page) == -1
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.reload()
    heard(page)
    page.keyboard.press("j")
    assert focused_row(page) == -1

    page.get_by_role("button", name="键盘快捷键").focus()
    page.keyboard.press("Enter")
    page.get_by_label("在此浏览器中启用快捷键").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert focused_row(page) == 0
