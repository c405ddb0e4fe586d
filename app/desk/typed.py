"""Amounts as people type them: with a point or a comma, with separators of thousands or without."""

from __future__ import annotations

import re

from terms.errors import Invalid

_GROUPED = re.compile(r"[1-9][0-9]{0,2}(,[0-9]{3})+")
_DECIMALS = re.compile(r"\.[0-9]+")


def plain(text: str, field: str = "amount") -> str:
    """Give a typed amount with a decimal point and without separators; what is none as it is.

    As pages show it 1,234.50 is 1234.50, and as many write it 12,50 is 12.50. Raises Invalid for
    1,234 alone, which is a thousand to some and little more than one to others.
    """
    typed = text.strip()
    whole, point, _ = typed.partition(".")
    if _GROUPED.fullmatch(whole):
        if _DECIMALS.fullmatch(typed.removeprefix(whole)) or whole.count(",") > 1:
            return typed.replace(",", "")
        if not point:
            why = f"{whole} can be read in two ways: write {whole.replace(',', '')} or "
            raise Invalid(field, why + whole.replace(",", "."))
    return typed.replace(",", ".") if not point and typed.count(",") == 1 else typed
