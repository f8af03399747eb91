"""A value of any message type with the same text wherever a text may stand."""

from datetime import date

import msgspec
from msgspec import inspect

LARGE = 2**53
_DEPTH_MOST = 12


def hostile(kind: type[msgspec.Struct], text: str) -> msgspec.Struct:
    """Every text is `text`, every list has one entry, every number is large."""
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return _struct(described, text, _DEPTH_MOST)


def _struct(described: inspect.StructType, text: str, depth: int) -> msgspec.Struct:
    values = {field.name: _value(field.type, text, depth - 1) for field in described.fields}
    made = described.cls(**values)
    assert isinstance(made, msgspec.Struct)
    return made


def _value(described: inspect.Type, text: str, depth: int) -> object:  # noqa: C901, PLR0911 - a table
    match described:
        case inspect.StrType():
            return text[: described.max_length]
        case inspect.BoolType():
            return True
        case inspect.IntType():
            return LARGE if described.le is None else described.le
        case inspect.FloatType():
            return float(LARGE)
        case inspect.LiteralType():
            return described.values[0]
        case inspect.StructType():
            return _struct(described, text, depth)
        case inspect.UnionType():
            return _value(described.types[0], text, depth)
        case inspect.VarTupleType() | inspect.ListType() | inspect.FrozenSetType():
            return (_value(described.item_type, text, depth),) if depth else ()
        case inspect.DictType():
            return {text[:64]: _value(described.value_type, text, depth)}
        case inspect.DateType():
            return date.max
        case inspect.NoneType():
            return None
    raise NotImplementedError(type(described).__name__)
