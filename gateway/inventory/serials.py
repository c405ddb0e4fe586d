"""Serials with a check digit: whether a typed one can be, and which one was meant. Pure.

Luhn as in ISO/IEC 7812-1, annex B: it sees every wrong digit and every exchange of neighbours but
that of 0 and 9.
"""

from __future__ import annotations

from enum import StrEnum

from terms.luhn import passes_luhn

_DIGITS_MIN = 2


class SerialCheck(StrEnum):
    """How the serials of a model are checked."""

    NONE = ""
    LUHN = "luhn"


def serial_problem(serial: str, *, prefix: str, check: SerialCheck) -> str:
    """Say what is wrong with a typed serial, for whoever typed it; empty where nothing is."""
    if not serial.startswith(prefix):
        return f"{serial} does not begin with {prefix}: is it another model?"
    if check is SerialCheck.NONE:
        return ""
    digits = serial[len(prefix) :]
    if not (digits.isascii() and digits.isdigit() and len(digits) >= _DIGITS_MIN):
        return f"{serial} has other marks than digits behind {prefix!r}: read the label again"
    if passes_luhn(digits):
        return ""
    one = meant(serial, prefix=prefix, check=check)
    hint = f"; was {one} meant?" if one else ""
    return f"the check digit of {serial} is wrong: a digit is mistyped or two are exchanged{hint}"


def meant(serial: str, *, prefix: str, check: SerialCheck) -> str:
    """Propose the one serial that becomes right where two neighbours change places; "" for none."""
    digits = serial[len(prefix) :]
    is_typed = serial.startswith(prefix) and digits.isascii() and digits.isdigit()
    if check is SerialCheck.NONE or not is_typed or passes_luhn(digits):
        return ""
    found = _neighbours(digits)
    return prefix + found[0] if len(found) == 1 else ""


def _neighbours(digits: str) -> list[str]:
    """List what becomes right where two neighbours change places."""
    swapped = {
        digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]
        for at in range(len(digits) - 1)
        if digits[at] != digits[at + 1]
    }
    return sorted(one for one in swapped if passes_luhn(one))
