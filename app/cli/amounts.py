"""Amounts at the command line, read alike by every command."""

from __future__ import annotations


def typed(text: str, field: str = "amount") -> str:
    """Give a typed amount with a decimal point. Raises as `plain` does."""
    from app.desk.typed import plain

    return plain(text, field)


def typed_or_all(text: str | None) -> str | None:
    """Give a typed amount; none where none is given, which the desk takes for all there is."""
    return None if text is None else typed(text)
