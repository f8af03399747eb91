"""Where a page ended, as text that clients give back unread."""

import base64
import binascii
from typing import Annotated, TypeVar

import msgspec

from checks.facts.base import LARGEST

Place = TypeVar("Place")


class RowPlace(msgspec.Struct, frozen=True, array_like=True):
    """A row's id, or how many rows came before."""

    row: Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]


class BadCursor(ValueError):
    """A cursor that this API did not make, or made for another list."""


def cursor_of(place: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode("ascii").rstrip("=")


def place_of(cursor: str, kind: type[Place]) -> Place | None:
    """The place that a cursor stands for; None for the empty one.

    Raises:
        BadCursor: anything else than what `cursor_of` gave for this kind.
    """
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=kind)
    except (binascii.Error, UnicodeEncodeError, ValueError, msgspec.DecodeError) as wrong:
        raise BadCursor("cursor: take it from `next` of the page before") from wrong
