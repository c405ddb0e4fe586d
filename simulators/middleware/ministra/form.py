"""Reads request bodies and query strings as PHP does: urlencoded, whatever the Content-Type.

`name[]=a&name[]=b` is a list. A JSON or multipart body becomes keys that nobody asks for.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

Form = Mapping[str, str | list[str]]


def read_form(body: bytes) -> Form:
    """Read a body."""
    form: dict[str, str | list[str]] = {}
    text = body.decode("utf-8", "replace")
    for name, value in parse_qsl(text, keep_blank_values=True):
        key, bracket, _ = name.partition("[")
        if not bracket or not key or not name.endswith("]"):
            form[name] = value
            continue
        values = form.get(key)
        form[key] = [*values, value] if isinstance(values, list) else [value]
    return form


def text_of(form: Form, name: str) -> str:
    """Tell a field as text; a list counts as PHP's word for it."""
    value = form.get(name, "")
    return value if isinstance(value, str) else "Array"


def list_of(form: Form, name: str) -> list[str]:
    """Tell a field as a list; a single value counts as a list of one."""
    value = form.get(name, [])
    return [value] if isinstance(value, str) else value


def truth_of(form: Form, name: str) -> bool:
    """Tell whether PHP would take a field for true."""
    return text_of(form, name) not in {"", "0"}


def whole_number_of(form: Form, name: str) -> int:
    """Tell a field as PHP's (int) cast does."""
    digits = ""
    for letter in text_of(form, name).strip():
        if not letter.isdigit() and not (letter == "-" and not digits):
            break
        digits += letter
    return int(digits) if digits.strip("-") else 0
