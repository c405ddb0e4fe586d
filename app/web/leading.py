"""Where a sign-in leads: back to the page somebody asked for, never to another site."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

SIGN_IN_PATH = "/sign-in"
PORTAL = "/portal"  # the subscribers' pages, with a door of their own
SET_UP_PATH = "/set-up"
SIGN_OUT_PATH = "/sign-out"
NEXT_CHARS_MAX = 500
# Whoever has come in is not led out again.
_DOORS = frozenset({SIGN_IN_PATH, SIGN_OUT_PATH, PORTAL + SIGN_IN_PATH, PORTAL + SIGN_OUT_PATH})


def sign_in_url(asked_for: str = "", *, at: str = "") -> str:
    """Give the address of the sign-in page, with what was asked for; `at` says of which door."""
    path = local_path(asked_for)
    door = at + SIGN_IN_PATH
    return f"{door}?next={quote(path, safe='/')}" if path else door


def local_path(text: str) -> str:
    """Give a path of ours as it is, and nothing for whatever a browser might take for more.

    A browser drops tabs and line ends, takes a backslash for a slash, and two slashes for a host.
    """
    if not 0 < len(text) <= NEXT_CHARS_MAX or not text.startswith("/") or text.startswith("//"):
        return ""
    if not text.isascii() or "\\" in text or any(mark <= " " or mark == "\x7f" for mark in text):
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    is_elsewhere = parts.scheme or parts.netloc or parts.path in _DOORS
    return "" if is_elsewhere else text
