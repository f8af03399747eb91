import pytest

from collector.api.cursors import BadCursor, cursor_of, place_of
from collector.queries.cases import Position

PLACE = Position(1_795_000_000_000_000, "EXT-01-ABCDEFGH")


def test_a_place_comes_back_from_its_cursor_which_fits_into_an_address():
    cursor = cursor_of(PLACE)

    assert place_of(cursor, Position) == PLACE
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_no_cursor_is_the_first_page():
    assert place_of("", Position) is None


@pytest.mark.parametrize("cursor", ["x", "!!!!", "长", cursor_of("pc1"), cursor_of(PLACE)[:-4]])
def test_what_this_api_did_not_make_is_refused(cursor):
    with pytest.raises(BadCursor, match="take it from `next`"):
        place_of(cursor, Position)
