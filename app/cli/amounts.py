"""Amounts at the command line, read alike by every command. One that is not given is no text at
all; an empty one, like that of a script whose variable is unset, is no amount.
"""

from __future__ import annotations


def typed(text: str, field: str = "amount") -> str:
    """Give a typed amount with a decimal point. Raises Invalid: of an empty one, and as `plain`."""
    from app.desk.typed import plain
    from terms.errors import Invalid

    if not text.strip():
        raise Invalid(field, f"not an amount: {text!r}")
    return plain(text, field)


def typed_or_all(text: str | None) -> str | None:
    """Give a typed amount; none where none is given, which the desk takes for all there is."""
    return None if text is None else typed(text)
