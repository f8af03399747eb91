"""Many cases at once, and filters that are kept, in a real browser."""

import re

from msgspec import structs
from playwright.sync_api import Locator, Page, expect

from tests.support.hospital import USB, mounted


def keep(page: Page, address: str, name: str) -> Locator:
    """Keeps the list of this address under a name; its chip."""
    page.goto(address)
    page.locator("#filters-more summary").click()
    page.locator("#filters-more input[name=name]").first.fill(name)
    page.get_by_role("button", name="保存").click()
    chip = page.locator(".ww-chip[aria-current]")
    expect(chip).to_contain_text(name)
    return chip


def test_a_kept_filter_counts_along_and_all_that_it_shows_are_assigned(officer, site):
    chip = keep(officer, "/cases?rule=MED-01", "未注册")
    count = int(chip.locator("b").inner_text())
    expect(officer.locator("#live-state")).to_have_class(re.compile("ww-live-on"))

    site.hospital.tell("icu-001", mounted(structs.replace(USB, key="00000000000000aa")))
    expect(chip.locator("b")).to_have_text(str(count + 1))
    expect(officer.locator("tr[data-row]")).to_have_count(count + 1)

    officer.get_by_label(f"筛选出的全部 {count + 1} 个").check()
    officer.locator("#many-more summary").click()
    officer.locator("#many-more select").select_option("duty")
    officer.get_by_role("button", name="指派").click()

    expect(officer.get_by_role("status").get_by_text(f"已指派 {count + 1} 个事件")).to_be_visible()
    expect(officer.locator(".ww-assignee", has_text="duty")).to_have_count(count + 1)
    officer.reload()
    expect(officer.get_by_text("已指派")).to_have_count(0)


def test_nothing_chosen_is_lost_when_a_case_comes_meanwhile(officer, site):
    chip = keep(officer, "/cases?state=all", "全部")
    seen = int(chip.locator("b").inner_text())
    expect(officer.locator("#live-state")).to_have_class(re.compile("ww-live-on"))
    rows = officer.locator("tr[data-row]")
    count = rows.count()
    officer.locator("#many-more summary").click()
    officer.locator("#many-more select").select_option("duty")

    site.hospital.tell("icu-001", mounted(structs.replace(USB, key="00000000000000ab")))

    expect(chip.locator("b")).to_have_text(str(seen + 1))
    expect(officer.locator("#many-more select")).to_have_value("duty")
    expect(rows).to_have_count(count)
