"""A medium's scan receipts as the officer sees and revokes them."""

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import expect
from sqlalchemy import insert

from checks.facts.media import MediumAttached
from checks.facts.media_register import RegisteredMedium
from checks.facts.receipts import ReceiptIssued, ScanReceipt, SignedReceipt
from checks.receipts import named, signed_octets
from collector.store import schema
from tests.browser.test_dashboard import register
from tests.support.hospital import HOUR_US, USB, WARDS, now_us

STATION, NAME = WARDS[4][:2]
TRAVELS = msgspec.structs.replace(USB, key="travels", serial="TRAVELS")


def receipt(**more) -> ScanReceipt:
    fields = {
        "medium": TRAVELS.key,
        "fingerprint": "f" * 64,
        "files": 12,
        "bytes": 4096,
        "engine": "ClamAV 1.4.6",
        "signatures": "27801",
        "signatures_at_us": now_us() - HOUR_US,
        "station": STATION,
        "scanned_us": now_us(),
        "expires_us": now_us() + 24 * HOUR_US,
        **more,
    }
    return named(ScanReceipt(**fields))


@pytest.fixture
def chain(site):
    """Of a registered medium: a full scan, and one over it."""
    hospital, key = site.hospital, Ed25519PrivateKey.generate()
    row = {
        "agent": STATION,
        "public_key": key.public_key().public_bytes_raw().hex(),
        "host": STATION,
        "machine": "m",
        "token": "",
        "enrolled_us": now_us(),
    }
    with hospital.services.journal_engine.begin() as connection:
        connection.execute(insert(schema.agents).values(row))
    register(site, RegisteredMedium(number="凭-1", key=TRAVELS.key))
    full = receipt()
    both = (full, receipt(how="changed", extends=full.id, scanned_us=now_us()))
    hospital.tell(
        STATION,
        MediumAttached(medium=TRAVELS),
        *(
            ReceiptIssued(
                signed=SignedReceipt(receipt=one, signature=key.sign(signed_octets(one)).hex())
            )
            for one in both
        ),
    )
    return both


def test_the_chain_is_shown_and_revoked_with_a_reason_in_both_languages(officer, chain):
    full, changed = chain
    officer.goto("/media/%E5%87%AD-1")
    last, first = (officer.locator(f"#receipt-{one.id[:16]}") for one in (changed, full))
    for told in ("有效", "全盘查杀", "12 个文件", "病毒库 27801", NAME):
        expect(first).to_contain_text(told)
    expect(last).to_contain_text(f"依据 {full.id[:16]}")

    first.locator("summary").click()
    first.locator("select").select_option("station")
    first.locator("input[name=reason]").fill("查杀引擎曾停用")
    officer.set_viewport_size({"width": 390, "height": 800})
    assert [each["id"] for each in Axe().run(officer).response["violations"]] == []
    assert officer.evaluate("document.documentElement.scrollWidth") <= 390
    officer.set_viewport_size({"width": 1280, "height": 800})
    first.get_by_role("button", name="撤销").click()

    expect(first).to_contain_text("已撤销")
    expect(first).to_contain_text("查杀引擎曾停用")
    expect(last).to_contain_text("查杀终端的凭证被撤销")
    expect(officer.locator("main").get_by_role("button", name="撤销")).to_have_count(0)
    officer.get_by_role("button", name="English").click()
    expect(first).to_contain_text("what its endpoint scanned was revoked")
