"""The check digit of ISO/IEC 7812-1, annex B (Luhn). Pure."""

from __future__ import annotations


def passes_luhn(text: str) -> bool:
    """Tell whether the last digit is the check digit of the others; other marks do not count."""
    digits = [int(mark) for mark in text if mark.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
