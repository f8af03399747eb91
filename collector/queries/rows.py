"""A row of the store as a value."""

from typing import TypeVar

import msgspec
from sqlalchemy import RowMapping

Value = TypeVar("Value", bound=msgspec.Struct)


def value_of(row: RowMapping, kind: type[Value]) -> Value:
    """The struct whose fields are named like the row's columns."""
    return msgspec.convert({str(name): value for name, value in row.items()}, kind)
