"""Looking for words in what a case tells: its evidence and what people wrote to it.

Parts of words are found, in any script, as the database compares them (SQLite: letters beyond
ASCII only as they are written).
"""

from typing import Any

from sqlalchemy import ColumnElement, Text, and_, exists, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from collector.store import schema


class _ValuesOf(FunctionElement[str]):
    """The values of a JSON object, one a line."""

    type = Text()
    name = "values_of"
    inherit_cache = True


@compiles(_ValuesOf, "sqlite")
def _in_sqlite(element: _ValuesOf, compiler: SQLCompiler, **kw: Any) -> str:
    told = compiler.process(element.clauses, **kw)
    return f"(SELECT group_concat(value, char(10)) FROM json_each({told}))"  # noqa: S608 - compiled, no value


@compiles(_ValuesOf, "postgresql")
def _in_postgresql(element: _ValuesOf, compiler: SQLCompiler, **kw: Any) -> str:
    told = compiler.process(element.clauses, **kw)
    return f"(SELECT string_agg(value, chr(10)) FROM jsonb_each_text({told}))"  # noqa: S608 - compiled, no value


def tells(text: str) -> ColumnElement[bool]:
    """Whether a finding of the case, or a person's word to it, holds the text."""
    cases, found, told = schema.cases.c, schema.findings.c, schema.timeline.c
    values = _ValuesOf(found.params).icontains(text, autoescape=True)
    words = told.detail["reason"].as_string().icontains(text, autoescape=True)
    return or_(
        exists().where(and_(told.case == cases.id, words)),
        exists().where(and_(found.case == cases.id, values)),
    )
