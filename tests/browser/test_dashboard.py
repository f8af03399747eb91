"""The officer's day in a real browser."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from checks.facts.media_register import RegisteredMedium
from checks.wire import encode
from collector.entries import EntryKind, MediaChanged
from tests.browser.conftest import enter
from tests.support.hospital import HOUR_US, mounted, outside
from tests.support.hospital import USB as STICK

PAGES = (
    "/",
    "/cases?state=all",
    "/endpoints",
    "/endpoints/icu-001",
    "/endpoints/import",
    "/endpoints/fsk-002",
    "/duty",
    "/hosts",
    "/media",
    "/media?shown=strangers",
    "/media/new",
    "/media/import",
    "/media/unregistered/ffee0011",
    "/reports",
    "/reports?period=2026-01-01..2028-12-31",
    "/learning",
    "/policy",
    "/rules",
    "/rules/EXT-01",
    "/unseen",
)


def register(site, *lines: RegisteredMedium) -> None:
    services = site.hospital.services
    done = MediaChanged(act="register", actor="test", lines=lines)
    entry = services.journal.append(EntryKind.MEDIA, encode(done))
    assert services.changes.wait_for_entry(entry, 5)


def a_case(page: Page, rule: str) -> str:
    page.goto(f"/cases?rule={rule}")
    row = page.locator("tr[data-row]").first
    expect(row).to_be_visible()
    name = row.get_attribute("data-row")
    assert name is not None
    return name


def test_a_wrong_password_does_not_enter(chromium, site):
    context = chromium.new_context(base_url=site.address, ignore_https_errors=True)
    page = context.new_page()
    page.goto("/cases")
    page.fill("#name", "nobody")
    page.fill("#password", "not the password")
    page.click("button[type=submit]")

    expect(page.get_by_role("alert")).to_be_visible()
    assert "/login" in page.url
    context.close()


def test_a_case_arrives_without_reload(officer, site):
    officer.goto("/cases")
    expect(officer.locator("#live-state")).to_have_class(re.compile("ww-live-on"))
    before = officer.evaluate("performance.timeOrigin")
    rows = officer.locator("tr[data-row]")
    count = rows.count()

    site.hospital.tell("ssk-006", outside("198.51.100.99"))

    expect(rows).to_have_count(count + 1)
    expect(officer.locator("tr.ww-fresh")).to_have_count(1)
    assert officer.evaluate("performance.timeOrigin") == before


def test_the_overview_counts_a_new_case_without_reload(officer, site):
    officer.goto("/")
    expect(officer.locator("#live-state")).to_have_class(re.compile("ww-live-on"))
    figure = officer.locator(".ww-figure").first
    count = int(figure.inner_text())

    site.hospital.tell("icu-001", mounted(STICK), ago_us=HOUR_US)

    expect(figure).to_have_text(str(count + 1))


def test_the_officer_acknowledges_and_closes_with_a_reason(officer):
    case = a_case(officer, "MED-03")
    officer.goto(f"/cases/{case}")
    officer.get_by_role("button", name="签收", exact=True).click()
    expect(officer.locator("#case-head .ww-state")).to_have_text("待核实")

    officer.get_by_role("button", name="直接销号").click()
    expect(officer.get_by_role("alert")).to_contain_text("请填写原因")
    officer.fill("#reason", "已重新查杀，结果无毒")
    officer.get_by_role("button", name="直接销号").click()

    expect(officer.locator("#case-head .ww-state")).to_have_text("已销号")
    expect(officer.locator("#case-story")).to_contain_text("已重新查杀，结果无毒")


def test_several_cases_are_acknowledged_at_once(officer):
    officer.goto("/cases?severity=high")
    waiting = officer.locator(
        "tr[data-row]", has=officer.locator(".ww-state-awaiting_acknowledgement")
    )
    before = waiting.count()
    waiting.first.locator("input[name=case]").check()
    officer.get_by_role("button", name="签收所选事件").click()

    expect(officer.get_by_text("已签收 1 个事件")).to_be_visible()
    expect(waiting).to_have_count(before - 1)


def test_one_click_changes_the_language_and_stays(officer):
    officer.goto("/endpoints")
    officer.get_by_role("button", name="English").click()
    expect(officer.locator("h1")).to_have_text("Endpoints")
    officer.goto("/rules/EXT-01")
    expect(officer.locator("h1")).to_contain_text("EXT-01")
    expect(officer.locator("html")).to_have_attribute("lang", "en")
    officer.get_by_role("button", name="中文").click()

    expect(officer.locator("html")).to_have_attribute("lang", "zh-CN")


def test_hostile_labels_stay_text(officer):
    officer.goto("/cases?q=FSK&state=all")
    case = officer.locator("tr[data-row] a").first
    case.click()

    expect(officer.locator(".ww-message")).to_contain_text("<img src=x onerror=")
    assert officer.title() != "1"
    assert officer.locator("main img").count() == 0


def test_a_wrong_policy_is_explained_in_place_and_a_right_one_applied(officer):
    officer.goto("/policy")
    running = officer.locator("#text").input_value()
    officer.fill("#text", running + "\nmoode = 1\n")
    officer.get_by_role("button", name="检查并比较").click()
    expect(officer.locator("#policy-error")).to_contain_text("moode")

    officer.fill("#text", running.replace('phone = "8120"', 'phone = "8121"'))
    officer.get_by_role("button", name="检查并比较").click()
    expect(officer.locator(".ww-diff-added")).to_contain_text("8121")
    officer.get_by_role("button", name="下发策略").click()

    expect(officer.get_by_role("status").last).to_contain_text("策略已生效")


def test_the_registers_line_is_changed(officer):
    officer.goto("/endpoints/sfc-011")
    officer.locator("summary h2").click()
    officer.fill("input[name=owner]", "陆清和")
    officer.get_by_role("button", name="保存").click()

    expect(officer.locator("#endpoint-head")).to_contain_text("陆清和")


def test_a_medium_that_was_seen_is_registered_with_two_clicks(officer):
    officer.goto("/media?shown=strangers")
    rows = officer.locator("tr[data-row]")
    before = rows.count()
    officer.get_by_role("link", name=re.compile("^登记 ")).first.click()
    officer.get_by_role("button", name="登记").click()

    expect(officer.locator("#medium-head")).to_contain_text("登记")
    officer.goto("/media?shown=strangers")
    expect(rows).to_have_count(before - 1)


def test_a_medium_is_reported_lost_with_a_reason(officer, site):
    register(site, RegisteredMedium(number="丢-1", serial="L1", owner="王"))
    officer.goto("/media/%E4%B8%A2-1")
    officer.get_by_role("button", name="挂失").click()
    expect(officer.get_by_role("alert")).to_contain_text("请填写原因")
    officer.fill("#mark-reason", "遗失在公交车上")
    officer.get_by_role("button", name="挂失").click()

    expect(officer.locator("#medium-head")).to_contain_text("已挂失")
    expect(officer.locator("#medium-head")).to_contain_text("遗失在公交车上")


def test_a_file_is_imported_whole_or_its_wrong_rows_are_told(officer, tmp_path):
    file = tmp_path / "台账.csv"
    file.write_bytes("编号,序列号,授权次数\r\nIN-1,IN1,often\r\n".encode("gb18030"))
    officer.goto("/media/import")
    officer.set_input_files("#file", file)
    officer.get_by_role("button", name="检查并导入").click()
    expect(officer.locator("main")).to_contain_text("授权次数：often 不是整数")

    file.write_bytes("编号,序列号,授权次数\r\nIN-1,IN1,3\r\n".encode("gb18030"))
    officer.set_input_files("#file", file)
    officer.get_by_role("button", name="检查并导入").click()
    expect(officer.get_by_role("status").last).to_contain_text("新增 1")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_fits_and_is_accessible(chromium, site, width, theme):
    context = chromium.new_context(
        base_url=site.address,
        ignore_https_errors=True,
        bypass_csp=True,  # axe is injected; the product's own scripts need no such thing
        color_scheme=theme,
        viewport={"width": width, "height": 800},
    )
    page = context.new_page()
    page.goto("/login")
    faults = [f"/login: {fault}" for fault in _faults(page, width)]
    enter(page)
    register(site, RegisteredMedium(number="M-7", serial=STICK.serial, owner="王", uses=3))
    for path in (*PAGES, "/media/M-7", "/media/labels", f"/cases/{a_case(page, 'EXT-01')}"):
        page.goto(path)
        faults += [f"{path}: {fault}" for fault in _faults(page, width)]

    context.close()

    assert faults == []


def test_no_page_breaks_the_content_security_policy(officer):
    told: list[str] = []
    officer.on("console", lambda message: told.append(message.text))
    for path in PAGES:
        officer.goto(path)

    assert [text for text in told if "Content Security Policy" in text] == []


def test_the_keyboard_reaches_the_content(officer):
    officer.goto("/cases")
    officer.keyboard.press("Tab")
    expect(officer.locator(".ww-skip")).to_be_focused()
    officer.keyboard.press("Enter")

    expect(officer.locator("#main")).to_be_focused()


def _faults(page: Page, width: int) -> list[str]:
    faults = [
        f"{violation['id']}: {violation['nodes'][0]['html'][:160]}"
        for violation in Axe().run(page).response["violations"]
    ]
    needed = page.evaluate("document.documentElement.scrollWidth")
    return [*faults, f"scrolls to {needed}"] if needed > width else faults
