"""The import station's page in a real Chromium, as patients and staff see it."""

import os
from pathlib import Path

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from agent.media.board import BOARD_FILE, MediaNow, MediumNow, write_board
from agent.media.progress import Progress
from tests.support.station import station

RECEIPT = "ab12" * 16
NAME = "<b>Stick</b> Acme"
RUNNING = Progress(waiting=False, files=812, bytes=40 << 20, used=100 << 20, seconds=12, rest=95)
UNTOLD = Progress(waiting=False, files=3, bytes=0, used=100 << 20, seconds=0, rest=None)
TARGET = MediumNow(key="t", name="Ward stick", kind="stick", number="M-0001", takes=True,
                   points=("/t",))  # fmt: skip
NOT_OPENED = MediumNow(key="11", name=NAME, kind="stick", state="not_opened")
EVERY_STATE = (
    MediumNow(key="1", name=NAME, kind="stick"),
    MediumNow(key="2", name=NAME, kind="stick", state="waiting"),
    MediumNow(key="3", name=NAME, kind="stick", state="scanning", held=True, progress=RUNNING),
    MediumNow(key="4", name=NAME, kind="optical", state="scanning", progress=UNTOLD),
    MediumNow(key="5", name=NAME, kind="stick", state="clean", files=1204, bytes=3 << 30,
              receipt=RECEIPT, points=("/m",)),
    MediumNow(key="6", name=NAME, kind="stick", state="infected", threats=("Eicar-Test",)),
    MediumNow(key="7", name=NAME, kind="stick", state="incomplete", reason="skipped",
              skipped={"encrypted": 3, "too_large": 1}),
    MediumNow(key="8", name=NAME, kind="stick", state="not_scanned", reason="engine_absent"),
    MediumNow(key="9", name=NAME, kind="disk", state="unreadable", reason="encrypted"),
    MediumNow(key="10", name=NAME, kind="stick", state="emergency"),
    NOT_OPENED,
    TARGET,
)  # fmt: skip


class Shown:
    """The page of a station, and the agent's part played by the test."""

    def __init__(self, state: Path, page, address: str) -> None:
        self.state = state
        self.page = page
        self.address = address

    def tell(self, *media: MediumNow, pid: int = 0) -> None:
        now = MediaNow(pid=pid or os.getpid(), media=media, phone="8120")
        write_board(self.state / BOARD_FILE, now)

    def look(self, name: str) -> None:
        """At it, by whoever set a folder for pictures."""
        folder = os.environ.get("WARDWATCH_PICTURES")
        if folder:
            self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.fixture(params=[(1280, "light"), (390, "dark")], ids=["wide", "narrow and dark"])
def shown(request, tmp_path, chromium):
    width, theme = request.param
    context = chromium.new_context(
        bypass_csp=True,  # axe is injected; the page itself needs no such thing
        color_scheme=theme,
        viewport={"width": width, "height": 800},
    )
    with station(tmp_path) as place:
        made = Shown(tmp_path, context.new_page(), place.url)
        made.tell()
        made.page.goto(place.url)
        expect(made.page.locator("[data-state=insert]")).to_be_visible()
        yield made
        context.close()


def test_every_state_is_said_in_both_languages_and_can_be_read_and_touched(shown):
    page = shown.page
    faults = faults_of(page)
    shown.look(f"insert-{page.viewport_size['width']}")
    shown.tell(*EVERY_STATE)
    expect(page.locator("article")).to_have_count(len(EVERY_STATE))
    for language, clean, rest in (
        ("zh-CN", "安全", "大约还需 2 分钟"),
        ("en", "Clean", "About 2 min left"),
    ):
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("article[data-state=clean] h2")).to_have_text(f"✓ {clean}")
        expect(page.get_by_text(rest)).to_be_visible()
        assert "undefined" not in page.locator("body").inner_text()
        assert "_" not in page.locator("main").inner_text()
        faults += faults_of(page)
        shown.look(f"states-{language}-{page.viewport_size['width']}")
        page.click("#language")

    assert faults == []


def test_a_clean_medium_shows_its_receipt_and_may_be_taken_out(shown):
    shown.tell(EVERY_STATE[4])
    clean = shown.page.locator("article[data-state=clean]")

    expect(clean).to_contain_text("1204 个文件")
    expect(clean).to_contain_text("可以取出")
    expect(clean.locator("code")).to_have_text(RECEIPT)
    expect(clean.get_by_role("img", name="查杀凭证号二维码")).to_be_visible()
    expect(clean).to_contain_text(NAME)


def test_the_bar_moves_and_the_result_comes_by_itself(shown):
    shown.tell(EVERY_STATE[3])
    bar = shown.page.locator("progress")
    expect(shown.page.get_by_text("还不知道需要多久")).to_be_visible()
    shown.tell(EVERY_STATE[2])
    expect(shown.page.get_by_text("已查 812 个文件")).to_be_visible()
    assert bar.evaluate("bar => bar.position") == 0.4
    few = msgspec.structs.replace(UNTOLD, bytes=5 << 10)
    shown.tell(msgspec.structs.replace(EVERY_STATE[3], progress=few))
    expect(shown.page.locator("article")).to_contain_text("5 KiB")
    shown.tell(EVERY_STATE[5])

    infected = shown.page.locator("article[data-state=infected]")
    expect(infected).to_contain_text("请勿使用")
    expect(infected).to_contain_text("Eicar-Test")
    expect(infected).to_contain_text("8120")
    shown.tell()
    expect(shown.page.locator("[data-state=insert]")).to_be_visible()


def test_a_medium_that_nobody_opens_is_told_with_whom_to_call(shown):
    shown.tell(EVERY_STATE[0])
    expect(shown.page.get_by_text("还没有开始查杀")).to_be_visible()
    shown.tell(NOT_OPENED)

    waiting = shown.page.locator("article[data-state=not_opened]")
    expect(waiting).to_contain_text("没有打开")
    expect(waiting).to_contain_text("请联系计算机中心：8120")
    shown.page.click("#language")
    expect(waiting).to_contain_text("has not opened (mounted) it")
    expect(waiting).to_contain_text("Please call the computer centre: 8120")


def test_a_station_whose_agent_has_ended_says_so(shown):
    shown.tell(EVERY_STATE[4], pid=2**22 + 1)

    expect(shown.page.locator("[data-state=out_of_order]")).to_be_visible()
    expect(shown.page.locator("article")).to_have_count(0)


def test_a_copy_that_cannot_be_made_is_told_and_leaves_nothing(shown):
    shown.tell(EVERY_STATE[4], TARGET)
    shown.page.get_by_role("button", name="复制到登记介质 M-0001").click()

    expect(shown.page.get_by_role("status")).to_contain_text("没有复制任何文件")


def test_the_page_keeps_to_its_own_content_security_policy(chromium, tmp_path):
    told: list[str] = []
    with station(tmp_path) as place:
        write_board(tmp_path / BOARD_FILE, MediaNow(pid=os.getpid(), media=EVERY_STATE))
        page = chromium.new_page()
        page.on("console", lambda message: told.append(message.text))
        page.on("request", lambda asked: told.append(asked.url))
        page.goto(place.url)
        expect(page.locator("article")).to_have_count(len(EVERY_STATE))
        cookies = page.context.cookies()
        page.close()

        assert [text for text in told if not text.startswith(place.url)] == []
    assert cookies == []


def faults_of(page):
    width = page.viewport_size["width"]
    found = [
        f"{violation['id']}: {violation['nodes'][0]['html'][:160]}"
        for violation in Axe().run(page).response["violations"]
    ]
    for button in page.locator("button").all():
        box = button.bounding_box()
        found += [f"small button {box}"] if min(box["width"], box["height"]) < 48 else []
    needed = page.evaluate("document.documentElement.scrollWidth")
    return [*found, f"scrolls to {needed}"] if needed > width else found
