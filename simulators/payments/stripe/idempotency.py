"""Idempotency keys: the first answer to a key is kept and given again.

Nothing is kept of a request that failed before it began to act. The same key with other
parameters, or while the first request is still under way, is refused.
"""

from dataclasses import dataclass

from simulators.call import Reply
from simulators.payments.stripe.errors import idempotency

KEY_MAX = 255
LIFE_S = 24 * 3600


@dataclass(slots=True, kw_only=True)
class _Kept:
    fingerprint: tuple[str, bytes]
    at: float
    reply: Reply | None = None


class Keys:
    """The keys of the last 24 hours."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def begin(self, key: str, fingerprint: tuple[str, bytes], now: float) -> Reply | None:
        """Claim a key, or tell the answer that was given under it."""
        if len(key) > KEY_MAX:
            raise idempotency(f"Idempotency keys may have {KEY_MAX} characters.", status=400)
        kept = self._kept.get(key)
        if kept is None or now - kept.at >= LIFE_S:
            self._kept[key] = _Kept(fingerprint=fingerprint, at=now)
            return None
        if kept.fingerprint != fingerprint:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were "
                f"first used with. Try using a key other than '{key}'."
            )
            raise idempotency(message, status=400)
        if kept.reply is None:
            message = f"There is currently another in-progress request using the key '{key}'."
            raise idempotency(message, status=409, code="idempotency_key_in_use")
        return Reply(
            status=kept.reply.status,
            body=kept.reply.body,
            content_type=kept.reply.content_type,
            headers={**kept.reply.headers, "Idempotent-Replayed": "true"},
        )

    def keep(self, key: str, reply: Reply) -> None:
        """Keep the answer given under a key."""
        self._kept[key].reply = reply

    def drop(self, key: str) -> None:
        """Forget a key whose request never began to act."""
        self._kept.pop(key, None)
