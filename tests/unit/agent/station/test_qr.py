"""The QR code of a receipt's number, against another maker of them."""

import hashlib

import pytest
import segno

from agent.station.qr import qr_path, qr_rows

NUMBERS = [hashlib.sha256(b"%d" % number).hexdigest().upper() for number in range(8)]


@pytest.mark.parametrize("text", [*NUMBERS, "A", "M-0001", "7" * 77])
def test_a_code_is_the_one_that_segno_makes(text):
    made = segno.make(
        text, version=3, error="l", mask=0, mode="alphanumeric", boost_error=False, micro=False
    )

    assert qr_rows(text) == [[bool(module) for module in row] for row in made.matrix]


@pytest.mark.parametrize("text", ["8" * 78, "查杀", "a_b"])
def test_what_does_not_fit_has_no_code(text):
    assert qr_path(text) == ""


def test_a_path_names_each_dark_module():
    assert qr_path("a").startswith("M0 0h1v1h-1z")
    assert qr_path("a").count("M") == sum(map(sum, qr_rows("A")))
