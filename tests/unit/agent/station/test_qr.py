import hashlib

from agent.station.qr import qr_path

RECEIPT = hashlib.sha256(b"a receipt").hexdigest()
MODULES = 29
"""Of version 3 at level L, which the page draws: 64 letters and digits fit."""


def test_the_code_of_a_receipt_fills_the_field_that_the_page_draws():
    places = [step.split("h")[0].split() for step in qr_path(RECEIPT).split("M")[1:]]
    columns, rows = zip(*((int(x), int(y)) for x, y in places), strict=True)

    assert (min(columns), max(columns)) == (0, MODULES - 1)
    assert (min(rows), max(rows)) == (0, MODULES - 1)


def test_capitals_and_small_letters_are_one_number():
    assert qr_path(RECEIPT) == qr_path(RECEIPT.upper())
