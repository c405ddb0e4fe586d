"""Host keys of boxes as people compare them: by fingerprint. Another one than the pinned waits."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime

from gateway.inventory import reviews
from gateway.inventory.reviews import CaseKind, Finding
from runtime.store import Tx

# Whoever answers in a box's place may show a new key each time: more are one case together.
CASES_OF_BOX_MAX = 5
OTHERS = "others"
_ABOUT_CHARS = 16


def fingerprint(host_key: str) -> str:
    """Give what `ssh-keygen -l` shows of a line `type base64`; empty where that is no key."""
    _, _, rest = host_key.strip().partition(" ")
    try:
        blob = base64.b64decode(rest.split()[0], validate=True)
    except (IndexError, binascii.Error, ValueError):
        return ""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def is_same(one: str, other: str) -> bool:
    """Tell whether two lines are the same key, whatever comment follows."""
    return one.split()[:2] == other.split()[:2]


async def report_other(tx: Tx, ref: str, *, pinned: str, shown: str, now: datetime) -> str:
    """Put before a person that a box shows another key than the pinned one; returns what is said.

    One case for each key that is shown.
    """
    why = f"the box {ref} shows another host key than the pinned one"
    about = _about(shown)
    opened = await reviews.open_of(tx, ref)
    waiting = {one.about for one in opened if one.kind is CaseKind.HOST_KEY}
    if about not in waiting and len(waiting) >= CASES_OF_BOX_MAX:
        about = OTHERS
    finding = Finding(
        kind=CaseKind.HOST_KEY,
        serial=ref,
        about=about,
        reason=f"{why}: {_named(shown)} instead of {_named(pinned)}",
    )
    await reviews.report(tx, [finding], now)
    return why


def _about(host_key: str) -> str:
    return fingerprint(host_key).removeprefix("SHA256:")[:_ABOUT_CHARS]


def _named(host_key: str) -> str:
    kind = host_key.split(" ", 1)[0][:32]
    return f"{kind} {fingerprint(host_key) or '(no key)'}".strip()
