"""What a label says, however it was read: typed, Code 128, or a QR code with JSON or a URL. Pure.

Makers agree on no form. It looks for a serial where makers put it, and takes anything else for the
serial itself: whether there is such a box is not its business.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from gateway.inventory.model import checked_serial
from terms.errors import Invalid

LABEL_CHARS_MAX = 500
FIELDS_MAX = 50
_SERIAL = ("serial", "serialnumber", "sn", "s/n")
_MODEL = ("model", "modelname", "productclass")
_MAC = ("mac", "macaddress")


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A serial and, where the label tells them, model and MAC."""

    serial: str
    model: str = ""
    mac: str = ""


def read_label(text: str) -> Label:
    """Read what was typed or scanned. Raises Invalid naming `serial`."""
    plain = text.strip()
    if not plain:
        raise Invalid("serial", "scan or type the serial that stands on the label")
    if len(plain) > LABEL_CHARS_MAX:
        raise Invalid("serial", f"at most {LABEL_CHARS_MAX} characters: scan the serial alone")
    fields = _json_fields(plain) or _url_fields(plain)
    if not fields:
        # People put blanks between groups; no serial has any.
        return Label(serial=checked_serial("".join(plain.split())))
    serial = _first(fields, _SERIAL)
    if not serial:
        raise Invalid("serial", "this code tells no serial: scan the one beside it, or type it")
    return Label(
        serial=checked_serial(serial), model=_first(fields, _MODEL), mac=_first(fields, _MAC)
    )


def _json_fields(text: str) -> Mapping[str, str]:
    if not text.startswith("{"):
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("serial", "this code is cut off: scan it again, or type the serial") from None
    fields = {str(name).lower(): each for name, each in found.items()}
    return {name: str(each) for name, each in fields.items() if isinstance(each, str | int)} or {
        "": ""
    }


def _url_fields(text: str) -> Mapping[str, str]:
    """Read a URL: the serial is a named part of its query, or the last part of its path."""
    if not text.lower().startswith(("http://", "https://")):
        return {}
    try:
        parts = urlsplit(text)
        pairs = parse_qsl(parts.query, max_num_fields=FIELDS_MAX)
    except ValueError:
        return {"": ""}
    fields = {name.lower(): each for name, each in pairs}
    last = unquote(parts.path.rstrip("/").rpartition("/")[2])
    return fields if _first(fields, _SERIAL) else {**fields, "serial": last}


def _first(fields: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((fields[name].strip() for name in names if fields.get(name)), "")
