"""Reads a file of a bank, of whichever of the two kinds it is; what does not add up is refused."""

from __future__ import annotations

from billing.bank import camt, mt940
from billing.bank.model import Statement, check
from terms.errors import Invalid

FILE_BYTES_MAX = 128 * 1024 * 1024


def read(data: bytes) -> list[Statement]:
    """Read all statements of a file, each of which adds up. Raises Invalid."""
    if len(data) > FILE_BYTES_MAX:
        raise Invalid("file", f"it is larger than {FILE_BYTES_MAX >> 20} MiB")
    if b"\0" in data:
        raise Invalid("file", "there are NUL bytes in it: it is no text in an encoding read here")
    if camt.looks_like(data):
        return [check(one) for one in camt.read(data)]
    if mt940.looks_like(data):
        return [check(one) for one in mt940.read(data)]
    raise Invalid("file", "it is neither CAMT.053 nor MT940")
