"""Asking for one of many values."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Text, bindparam, column, func, select
from sqlalchemy.dialects import postgresql

from idic.store.database import Tx


def any_of(tx: Tx, found: Column[Any], values: Collection[str]) -> ColumnElement[bool]:
    """``found IN values`` as one parameter, so that the statement is the same for any number of them."""
    if tx.sqlite:
        each = func.json_each(bindparam(None, list(values), JSON())).table_valued(column("value", Text))
        return found.in_(select(each.c.value))
    return found == func.any(bindparam(None, list(values), postgresql.ARRAY(Text)))
