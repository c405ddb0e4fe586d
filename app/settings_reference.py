"""The table of all settings for people, written from the model itself."""

from __future__ import annotations

import sys
from typing import Any

from pydantic.fields import FieldInfo

from app.settings import FILE, FILE_VARIABLE, FOLDER_VARIABLE, Settings, variable

HEAD = f"""# Settings

A process reads its settings once, at start: from `{FILE}` in the folder it is started in (or the
file that `{FILE_VARIABLE}` names) and from the environment, which is stronger. A name that is not
in this table is refused, so that a slip of the pen is noticed. In the file a setting is written
`http_port = 8080`, a list `adapter_networks = ["10.0.0.0/8", "public"]`; in the environment
`BOXOFFICE_HTTP_PORT=8080` and `BOXOFFICE_ADAPTER_NETWORKS=10.0.0.0/8,public`.

A secret need not stand in either: where `{FOLDER_VARIABLE}` names a folder, such as
`/run/secrets`, each file in it that is called like a variable (`boxoffice_master_key`, in small
letters or large) holds the value of that setting. It is stronger than `{FILE}` and weaker than the
environment.

Plans, prices, targets and payment providers are no settings: they live in the database and come
by `boxoffice import` (see [import.md](import.md)). In what order one starts stands in
[run.md](../howto/run.md).

This page is written by `.venv/bin/python -m app.settings_reference`.

| setting | variable | default | meaning |
|---|---|---|---|
"""

# Worked out from other settings or from the machine.
_DEFAULTS = {"database_url": "`boxoffice.db` in `data_dir`"}


def reference() -> str:
    """Return the whole page."""
    return HEAD + "".join(_row(name, field) for name, field in Settings.model_fields.items())


def _row(name: str, field: FieldInfo) -> str:
    default = _DEFAULTS.get(name) or _shown(field.default)
    return f"| `{name}` | `{variable(name)}` | {default} | {field.description} |\n"


def _shown(default: Any) -> str:
    if default is None:
        return "none"
    if isinstance(default, tuple):
        return ", ".join(f"`{item}`" for item in default)
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
