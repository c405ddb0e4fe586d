"""The portal's `users` table: one row per device, no unique index on anything but the id.

Lookups are indexed and, as MySQL's usual collation does, blind to the case of letters.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

NO_DATE = "0000-00-00 00:00:00"
_DATE_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_INDEXED = ("login", "ls", "mac")


@dataclass(slots=True, kw_only=True)
class User:
    """A row of `users`. The column names are the portal's own."""

    id: int
    login: str = ""
    password: str = ""
    fname: str = ""
    phone: str = ""
    ls: str = ""
    mac: str = ""
    tariff_plan_id: int = 0
    is_blocked: bool = False
    comment: str | None = None
    end_date: str = NO_DATE
    account_balance: str = ""
    serial_number: str = ""
    stb_type: str = ""
    version: str = ""
    ip: str = ""
    locale: str = ""
    last_active: str = NO_DATE
    keep_alive_at: float = 0.0
    additional_services_on: str = "0"
    access_token: str = ""
    device_id: str = ""
    device_id2: str = ""
    sub_ch: list[str] | None = None
    restricted: list[str] = field(default_factory=list)
    oss_error: str = ""


class Users:
    """The rows and their indexes. Two rows may share a login, a MAC or an account number."""

    def __init__(self) -> None:
        self._rows: dict[int, User] = {}
        self._index: dict[str, dict[str, dict[int, User]]] = {name: {} for name in _INDEXED}
        self._last_id = 0

    def __iter__(self) -> Iterator[User]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, user_id: int) -> User | None:
        """Find a row by its id."""
        return self._rows.get(user_id)

    def find(self, column: str, values: Iterable[str]) -> list[User]:
        """Find the rows whose indexed column holds one of the values, in the order of ids."""
        index = self._index[column]
        found: dict[int, User] = {}
        for value in values:
            found.update(index.get(value.casefold(), {}))
        return [found[user_id] for user_id in sorted(found)]

    def add(self, **columns: Any) -> User:
        """Insert a row."""
        self._last_id += 1
        user = User(id=self._last_id, **columns)
        self._rows[user.id] = user
        for name in _INDEXED:
            self._enter(name, user)
        return user

    def put(self, user: User, column: str, value: Any) -> None:
        """Change one column."""
        if column not in _INDEXED:
            setattr(user, column, value)
            return
        self._leave(column, user)
        setattr(user, column, value)
        self._enter(column, user)

    def remove(self, user: User) -> None:
        """Delete a row."""
        del self._rows[user.id]
        for name in _INDEXED:
            self._leave(name, user)

    def _enter(self, column: str, user: User) -> None:
        key = getattr(user, column).casefold()
        if key:
            self._index[column].setdefault(key, {})[user.id] = user

    def _leave(self, column: str, user: User) -> None:
        key = getattr(user, column).casefold()
        rows = self._index[column].get(key)
        if rows is not None:
            rows.pop(user.id, None)
            if not rows:
                del self._index[column][key]


def normal_mac(text: str) -> str | None:
    """Bring a MAC to the form 00:1A:79:00:00:01; None where it is none."""
    if re.fullmatch(r"[0-9A-Fa-f]{12}", text):
        text = ":".join(text[at : at + 2] for at in range(0, 12, 2))
    if re.fullmatch(r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}", text):
        return text.upper()
    return None


def stored_date(text: str) -> str:
    """Store a date as MySQL does: anything unreadable becomes the zero date."""
    for form in _DATE_FORMS:
        try:
            return datetime.strptime(text, form).strftime("%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the column has no zone
        except ValueError:
            continue
    return NO_DATE
