"""A condition that a column has one of many values."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Text, bindparam, column, func, select
from sqlalchemy.dialects import postgresql

from idic.store.database import Tx


def any_of(tx: Tx, column_: Column[Any], values: Collection[str]) -> ColumnElement[bool]:
    """``column_ IN values``, with the values as one parameter: the statement is the same for any number of them."""
    if tx.sqlite:
        each = func.json_each(bindparam(None, list(values), JSON())).table_valued(column("value", Text))
        return column_.in_(select(each.c.value))
    return column_ == func.any(bindparam(None, list(values), postgresql.ARRAY(Text)))
