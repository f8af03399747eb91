"""Acknowledging by a mail's link, and the duty roster, in a real browser."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from collector.alerts.links import Pass
from collector.duty.acts import DutyActs
from collector.duty.roster import Shift
from collector.queries.cases import CaseFilter, newest_cases
from tests.support.hospital import HOUR_US, STRANGE, mounted, now_us

DUTY = "duty@hospital.example"


def waiting_case(site) -> str:
    """The id of a case that nobody acknowledged yet."""
    wanted = CaseFilter(states=("awaiting_acknowledgement",))
    return newest_cases(site.hospital.services.store_engine, wanted, limit=1)[0].case.id


def link_to(site, case: str) -> str:
    return "/ack/" + site.hospital.services.links.token(Pass(case, DUTY, now_us() + HOUR_US))


def faults_of(page: Page, width: int) -> list[str]:
    found = [
        f"{page.url}: {violation['id']}: {violation['nodes'][0]['html'][:160]}"
        for violation in Axe().run(page).response["violations"]
    ]
    needed = page.evaluate("document.documentElement.scrollWidth")
    return [*found, f"{page.url} scrolls to {needed}"] if needed > width else found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_stranger_acknowledges_with_the_keyboard_alone(chromium, site, width, theme):
    site.hospital.tell("icu-001", mounted(STRANGE))
    case = waiting_case(site)
    context = chromium.new_context(
        base_url=site.address,
        ignore_https_errors=True,
        bypass_csp=True,  # axe is injected
        locale="zh-CN",
        color_scheme=theme,
        viewport={"width": width, "height": 800},
    )
    page = context.new_page()
    path = link_to(site, case)

    page.goto(path)
    faults = faults_of(page, width)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="签收该事件")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("已签收")
    faults += faults_of(page, width)
    page.goto(path)
    expect(page.get_by_role("status")).to_contain_text("您已签收该事件")
    faults += faults_of(page, width)
    context.close()

    assert faults == []


def test_the_timeline_says_that_it_was_by_mail(officer, site):
    site.hospital.tell("ssk-006", mounted(STRANGE))
    case = waiting_case(site)
    officer.goto(link_to(site, case))
    officer.get_by_role("button", name="签收该事件").click()
    officer.get_by_role("link", name="登录查看详情").click()

    expect(officer.locator("#case-story")).to_contain_text(f"{DUTY}（邮件签收）")


def test_the_officer_writes_a_shift_down_hands_over_and_it_is_taken_over(officer, site):
    officer.goto("/duty")
    form = officer.locator(".ww-duty-form")
    form.locator("[name=to]").fill("2099-01-01T08:00")
    form.locator("[name=person]").fill("林晓棠")
    form.locator("[name=address]").fill("lin@hospital.example")
    form.get_by_role("button", name="登记").click()
    expect(officer.get_by_role("alert")).to_contain_text("单个班次最长 31 天")
    begin = now_us() - HOUR_US
    services = site.hospital.services
    shift = Shift(from_us=begin, to_us=begin + 9 * HOUR_US, person="林晓棠", address=DUTY)
    DutyActs(journal=services.journal, changes=services.changes, actor="安全员").add(shift)
    officer.goto("/duty")
    expect(officer.locator("#duty-now")).to_contain_text("林晓棠")

    officer.fill("#note", "<b>检验科</b> 的 U 盘待复查")
    officer.get_by_role("button", name="交班", exact=True).click()
    expect(officer.locator("#duty-notes")).to_contain_text("<b>检验科</b> 的 U 盘待复查")
    officer.get_by_role("button", name="已阅并接班").click()
    expect(officer.locator("#duty-notes")).to_contain_text("没有待接班的事项")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_roster_fits_and_is_accessible(chromium, site, officer, width):
    begin, services = now_us() - HOUR_US, site.hospital.services
    acts = DutyActs(journal=services.journal, changes=services.changes, actor="安全员")
    acts.add(Shift(from_us=begin, to_us=begin + HOUR_US * 2, person="长" * 64, address=DUTY))
    acts.hand_over("x" * 2000)
    cookies = officer.context.cookies()
    context = chromium.new_context(
        base_url=site.address,
        ignore_https_errors=True,
        bypass_csp=True,
        viewport={"width": width, "height": 800},
    )
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto("/duty")
    faults = faults_of(page, width)
    context.close()

    assert faults == []
