"""Trouble with the database or a file in one sentence: what, and how to mend it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from app.settings import Settings
from runtime.retry import is_away

_BACKUP = "put a backup of it back, or move it away to begin anew"
_RIGHTS = "give it and its folder to the user that runs Boxoffice, writable"
# https://www.sqlite.org/rescode.html
_OF_SQLITE = {
    sqlite3.SQLITE_NOTADB: f"is no SQLite database: {_BACKUP}",
    sqlite3.SQLITE_CORRUPT: f"is damaged: {_BACKUP}",
    sqlite3.SQLITE_CANTOPEN: f"cannot be opened as a file: {_RIGHTS}",
    sqlite3.SQLITE_PERM: f"may not be used: {_RIGHTS}",
    sqlite3.SQLITE_READONLY: f"cannot be written: {_RIGHTS}",
    sqlite3.SQLITE_FULL: "has no room left: free some space on its disk",
    sqlite3.SQLITE_IOERR: "cannot be read or written: see whether its disk is full or fails",
    sqlite3.SQLITE_BUSY: "is held by another process: end it, or try again",
}
_PRIMARY = 0xFF
# SQLSTATE: not allowed in, no such database, read only, disk full.
_OF_POSTGRES = {
    "28000": "does not let us in: correct user and password in database_url",
    "28P01": "does not let us in: correct user and password in database_url",
    "3D000": "does not exist: create it, or correct database_url",
    "25006": "cannot be written: point database_url at the primary",
    "53100": "has no room left: free some space on its disk",
}
_OF_FILES = {
    errno.EEXIST: "is no folder: move it away, or choose another",
    errno.ENOTDIR: "is no folder: move it away, or choose another",
    errno.EISDIR: "is a folder, not a file: move it away, or choose another",
    errno.ENOENT: "does not exist: correct the name, or make it",
    errno.EACCES: f"may not be used: {_RIGHTS}",
    errno.EPERM: f"may not be used: {_RIGHTS}",
    errno.EROFS: "cannot be written: its disk is read-only",
    errno.ENOSPC: "has no room left: free some space on its disk",
    errno.EDQUOT: "has no room left: free some space, or raise the quota",
}


def sentence(error: DBAPIError | OSError, settings: Settings | None) -> str:
    """Say what is wrong; empty where it is no trouble of this kind but a bug of ours."""
    if isinstance(error, OSError):
        if error.filename is not None:
            return f"{_name(error.filename)} {_OF_FILES.get(error.errno or 0, _why(error))}"
        return f"{_database(settings)} is out of reach: {_why(error)}"
    for cause in _causes(error):
        code = getattr(cause, "sqlite_errorcode", None)
        told = _OF_SQLITE.get(code & _PRIMARY) if isinstance(code, int) else None
        told = told or _OF_POSTGRES.get(str(getattr(cause, "sqlstate", "")))
        if told:
            return f"{_database(settings)} {told}"
    return f"{_database(settings)} is out of reach: {error.orig}" if is_away(error) else ""


def _database(settings: Settings | None) -> str:
    if settings is None:
        return "the database"
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        return f"the database {url.database}"
    return f"the database {url.database} at {url.host}"


def _name(filename: str | bytes | int) -> str:
    return filename.decode("utf-8", "replace") if isinstance(filename, bytes) else str(filename)


def _why(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk from an error to everything it was made of."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [getattr(one, "orig", None), one.__cause__, one.__context__]
