"""List the settings of this process."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from idic.settings import Settings, load
from idic.store.database import read_url


def show_settings() -> None:
    """Print every setting; of a secret only whether it is set."""
    now = load()
    table = Table("setting", "is", "meaning", box=None)
    for name, field in Settings.model_fields.items():
        value = getattr(now, name)
        secret = "Secret" in str(field.annotation) or name in ("write_keys", "secret_keys", "signing_keys")
        shown = ("set" if value else "not set") if secret else _shown(name, value)
        table.add_row(f"IDIC_{name.upper()}", shown, field.description or "")
    Console().print(table)


def _shown(name: str, value: object) -> str:
    if name == "database_url":
        return read_url(str(value)).render_as_string(hide_password=True)
    return "not set" if value is None else str(value)
