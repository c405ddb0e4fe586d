"""Rows of `users` as REST v1 shows them, and what we make of them. Pure.

Rows of one account that disagree become a state that no wish can equal: a text with a bar or with
brackets stands where a tariff, a package or a box should.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeAlias

import orjson

from gateway.adapters.middleware.ministra.rest import opened, told, typed
from gateway.adapters.state import NOTHING, ViewerState
from terms.errors import Conflict, Permanent, Retryable, Unsupported

Row: TypeAlias = Mapping[str, Any]

LABEL_CHARS_MAX = 64
NO_DATE = "0000-00-00"
NO_ONE_DATE = date.min  # rows that disagree, or a date that cannot be read
OFF = " (off)"
LOGIN_TWICE = " (its login is used twice)"
NO_LOGIN = " (no usable login)"

# Twelve characters would be taken for a MAC address by most resources.
_REF = re.compile(r"[0-9A-Za-z]{1,11}")
_MAC = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}")
_LOGIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z._@-]{0,63}")
_REVISION = re.compile(r"r([0-9]{1,18})")
_BETWEEN = frozenset(", \t\r\n")
_LIST = re.compile(r'"results"\s*:\s*\[\s*')
# MySQL's three-byte utf8 ends a text at the first character beyond the basic plane.
_UNSTORABLE = re.compile("[\\s\x00-\x1f\x7f\ud800-\udfff\U00010000-\U0010ffff]+")


# -- what may be sent


def check_ref(ref: str) -> None:
    """Refuse whatever could reach another account, or all of them."""
    if not _REF.fullmatch(ref):
        raise Unsupported("an account number here is 1 to 11 of the characters 0-9, A-Z, a-z")


def mac_of(text: str) -> str:
    """Bring a MAC address to the form AA:BB:CC:DD:EE:FF; the portal's PUT stores it unread."""
    if _MAC.fullmatch(text):
        return text
    digits = re.sub(r"[:.-]", "", text).upper()
    normal = ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
    if not _MAC.fullmatch(normal):
        raise Unsupported(f"not a MAC address: {text!r}")
    return normal


def check_code(code: str) -> None:
    """Refuse what cannot be an external id of a tariff or a package."""
    if not code or not code.isprintable() or code != code.strip() or "|" in code:
        raise Unsupported(f"not an external id: {code!r}")


def label_of(text: str) -> str:
    """Keep of a name what the portal's column keeps, in one line."""
    return _UNSTORABLE.sub(" ", text).strip()[:LABEL_CHARS_MAX].rstrip()


def fields_of(desired: ViewerState, *, has_end_date: bool) -> dict[str, str]:
    """Word what all rows of an account have in common."""
    fields = {
        "tariff_plan": desired.tariff or "",
        "full_name": desired.label,
        "comment": f"r{desired.revision}",
        "status": "1" if desired.enabled else "0",
    }
    if has_end_date:
        until = desired.expires_on
        fields["end_date"] = until.isoformat() if until else NO_DATE
    return fields


# -- what was read


def state_of(ref: str, rows: Sequence[Row], *, has_end_date: bool) -> ViewerState:
    """Read the rows of one account.

    Raises:
        Conflict: the portal found another account; its look-ups are blind to the case of letters.
        Permanent: a row lacks a field.
    """
    try:
        for row in rows:
            if account_of(row) != ref:
                raise Conflict(f"account {account_of(row)!r} of the portal answers to {ref!r}")
        parts = [_one(ref, row, has_end_date=has_end_date) for row in rows]
        return parts[0] if len(parts) == 1 else _several(ref, rows, parts)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _unreadable(error) from None


class Owner(NamedTuple):
    """Whose row it is. Both are empty for a row that a box made for itself."""

    number: str
    login: str


def owner_of(row: Any) -> Owner:
    """Read whose row it is. Raises Permanent when that cannot be seen."""
    try:
        return Owner(str(row["account_number"] or ""), str(row["login"] or ""))
    except (KeyError, TypeError) as error:
        raise _unreadable(error) from None


def account_of(row: Row) -> str:
    """Tell the account number; a row without one goes by its box or its login, never by a ref."""
    return str(row["account_number"] or row["stb_mac"] or f"@{row['login'] or ''}")


def _one(ref: str, row: Row, *, has_end_date: bool) -> ViewerState:
    mac = str(row["stb_mac"] or "")
    key = _key(row["login"] or "", mac)
    carried = _REVISION.fullmatch(row["comment"] or "")
    return ViewerState(
        ref=ref,
        enabled=row["status"] in {1, "1"},
        tariff=str(row["tariff_plan"] or "") or None,
        packages=frozenset(map(str, row["subscribed"] or ())),
        devices=frozenset((mac,)) if mac else frozenset(),
        expires_on=_date(row.get("end_date") or NO_DATE) if has_end_date else None,
        label=label_of(row["full_name"] or ""),
        revision=int(carried[1]) if carried else 0,
        vendor={key: mac} if key else NOTHING,
    )


def _several(ref: str, rows: Sequence[Row], parts: Sequence[ViewerState]) -> ViewerState:
    enabled = any(part.enabled for part in parts)
    vendor: dict[str, str] = {}
    boxes: list[str] = []
    for row, part in zip(rows, parts, strict=True):
        fault = NO_LOGIN if not part.vendor else LOGIN_TWICE if part.vendor.keys() & vendor else ""
        off = OFF if enabled and not part.enabled else ""
        boxes.append((row["stb_mac"] or f"no box at {row['login']!r}") + off + fault)
        vendor.update(part.vendor)
    dates = {part.expires_on for part in parts}
    return ViewerState(
        ref=ref,
        enabled=enabled,
        tariff=_joined(part.tariff or "none" for part in parts),
        packages=_merged([part.packages for part in parts]),
        devices=frozenset(boxes) if len(set(boxes)) == len(boxes) else _counted(boxes),
        expires_on=dates.pop() if len(dates) == 1 else NO_ONE_DATE,
        label=_joined(part.label for part in parts),
        revision=min(part.revision for part in parts),
        vendor=vendor,
    )


def _key(login: str, mac: str) -> str:
    """Choose what addresses the row: its login, or its box where the login fits in no address."""
    if _LOGIN.fullmatch(login):
        return login
    return mac if _MAC.fullmatch(mac) else ""


def _date(text: str) -> date | None:
    if text.startswith(NO_DATE):
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return NO_ONE_DATE


def _joined(values: Iterable[str]) -> str:
    return " | ".join(sorted(set(values)))


def _merged(sets: Sequence[frozenset[str]]) -> frozenset[str]:
    shared = frozenset.intersection(*sets)
    return shared | {f"{code} (not for every box)" for code in frozenset.union(*sets) - shared}


def _counted(boxes: Sequence[str]) -> frozenset[str]:
    return frozenset(
        box if times == 1 else f"{box} ({times} times)" for box, times in Counter(boxes).items()
    )


# -- the whole list


def states_in(body: bytes, *, has_end_date: bool) -> Iterator[ViewerState]:
    """Read the list of all accounts row by row: 50,000 of them never stand in memory at once.

    The text is gone through twice: to count the rows of each account, then to read them.
    """
    text = body.decode("utf-8", "replace")
    found = _LIST.search(text)
    if found is None:
        _checked_list(body)  # an error, or no list
        return
    begin = found.end()
    counts: Counter[str] = Counter()
    end = begin
    for row, row_end in _each_row(text, begin):
        counts[account_of(row)] += 1
        end = row_end
    _checked_list((text[:begin] + text[end:]).encode())
    waiting: dict[str, list[Row]] = {}
    for row, _ in _each_row(text, begin):
        ref = account_of(row)
        group = waiting.setdefault(ref, [])
        group.append(row)
        if len(group) == counts[ref]:
            yield state_of(ref, waiting.pop(ref), has_end_date=has_end_date)


def _checked_list(body: bytes) -> None:
    results, error = opened(body)
    if error:
        raise told(error)
    typed(results, list)


def _each_row(text: str, at: int) -> Iterator[tuple[Row, int]]:
    decode = json.JSONDecoder().raw_decode
    try:
        while text[at] != "]":
            row, at = decode(text, at)
            account_of(row)
            orjson.dumps(row)  # refuses the half characters that json lets through
            while text[at] in _BETWEEN:
                at += 1
            yield row, at
    except (IndexError, ValueError, RecursionError):
        raise Retryable("the portal's list of accounts breaks off or is no JSON") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> Permanent:
    text = "".join(char for char in str(error)[:80] if char.isprintable())
    return Permanent(f"a row of the portal cannot be read: {type(error).__name__}: {text}")
