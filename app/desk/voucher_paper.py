"""What a new batch of vouchers is printed from: a list as CSV, and a sheet with a QR code each.

The QR code holds the code alone and no address: an address with a code in it would be logged.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup, escape

from billing.flows.vouchers import MadeBatch
from billing.vouchers import code as codes
from billing.vouchers.model import charge_of

HEADS = ("serial", "code", "value", "currency", "valid_until")
_STYLE = """
body { font: 14px sans-serif; margin: 10mm; display: grid; gap: 4mm;
  grid-template-columns: repeat(auto-fill, minmax(80mm, 1fr)); }
article { border: 1px dashed #888; padding: 4mm; break-inside: avoid; display: flex; gap: 4mm; }
strong { font-size: 18px; } code { font-size: 15px; display: block; margin: 2mm 0; }
p { margin: 0; } svg { flex: none; }
"""


def cards(made: MadeBatch) -> Iterator[tuple[str, str]]:
    """Give each card's serial and its code as it is printed."""
    for n, code in enumerate(made.codes, 1):
        yield charge_of(made.batch.name, n), codes.shown(code)


def listed(made: MadeBatch) -> str:
    """Write the list."""
    batch, out = made.batch, io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(HEADS)
    worth = (batch.value.plain, batch.value.currency, batch.valid_until)
    rows.writerows((serial, code, *worth) for serial, code in cards(made))
    return out.getvalue()


def drawn(code: str) -> Markup:
    """Draw the QR code of a code as it is printed."""
    import segno  # noqa: PLC0415 - only where cards are printed

    made = segno.make(code, error="m", micro=False)
    return Markup(made.svg_inline(scale=3, border=2, light="#fff"))  # noqa: S704 - of a drawing


def sheet(made: MadeBatch, operator: str) -> str:
    """Write a page of its own with every card, to be printed and cut."""
    batch = made.batch
    head = f"{escape(operator)} {escape(batch.name)}"
    each = "".join(
        f"<article>{drawn(code)}<div><p>{escape(operator)}</p><strong>{batch.value}</strong>"
        f"<code>{code}</code><p>valid until {batch.valid_until}</p><p>{escape(serial)}</p></div>"
        "</article>\n"
        for serial, code in cards(made)
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{head}</title>'
        f"<style>{_STYLE}</style></head><body>\n{each}</body></html>\n"
    )


def write_private(path: Path, text: str) -> None:
    """Write a whole new file that its owner alone may read. Raises OSError where there is one."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()
        raise
