import pytest

from checks.facts.media_register import RegisteredMedium
from collector.i18n import translator
from collector.media.labels import SIZES, address_of, labels_page, style_of, style_source

LINE = RegisteredMedium(number="R-1", kind="ferry", owner="<b>王</b>", department="检验科")


def test_a_label_leads_to_the_page_of_its_medium():
    assert address_of("台-1", "https://w.example:8443/") == (
        "https://w.example:8443/media/%E5%8F%B0-1"
    )


@pytest.mark.parametrize("size", sorted(SIZES))
def test_a_page_of_labels_needs_nothing_from_elsewhere_and_escapes_what_people_wrote(size):
    page = labels_page([LINE], size=size, base_url="https://w", says=translator("zh_CN"))

    assert page.count("<svg") == 1
    assert "摆渡" in page
    assert "&lt;b&gt;王&lt;/b&gt;" in page
    assert "<script" not in page
    assert "src=" not in page
    assert f"{SIZES[size].width}mm" in style_of(size)
    assert style_source(size).startswith("'sha256-")
