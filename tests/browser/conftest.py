"""A real Chromium against the real dashboard over TLS on loopback."""

import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.certificates import make_authority
from tests.support.hospital import PASSWORD, Hospital, seeded

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Site:
    """Where the dashboard is, and the hospital behind it."""

    def __init__(self, hospital: Hospital, address: str) -> None:
        self.hospital = hospital
        self.address = address


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    certificate = make_authority(folder / "tls").server_pem
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"https://127.0.0.1:{listener.getsockname()[1]}"
    hospital = seeded(_made(folder / "state"), base_url=address)
    config = uvicorn.Config(
        hospital.application(),
        ssl_certfile=str(certificate),
        log_level="error",
        timeout_graceful_shutdown=1,
        lifespan="off",
        loop="asyncio",
    )
    server = uvicorn.Server(config)
    serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    serving.start()
    yield Site(hospital, address)
    server.should_exit = True
    serving.join()
    listener.close()
    hospital.close()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if not shutil.which(CHROMIUM):
        pytest.skip(f"{CHROMIUM} is missing: apt-get install chromium fonts-wqy-microhei")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def officer(chromium: Browser, site: Site) -> Iterator[Page]:
    """A page of the security officer, logged in, in Chinese."""
    context = chromium.new_context(
        base_url=site.address,
        ignore_https_errors=True,
        locale="zh-CN",
        viewport={"width": 1280, "height": 800},
    )
    page = context.new_page()
    enter(page)
    yield page
    context.close()


def enter(page: Page) -> None:
    page.goto("/login")
    page.fill("#name", "安全员")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("#overview")
    if page.locator("html").get_attribute("lang") != "zh-CN":  # a test before this one chose
        page.get_by_role("button", name="中文").click()
        page.wait_for_selector("html[lang=zh-CN]")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
