"""Edges of a portal: what can be done to the boxes of one account, once. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.adapters.middleware.ministra.options import MinistraOptions
from gateway.adapters.sdk import Action
from terms.errors import Unsupported

MESSAGE_CHARS_MAX = 1000
MESSAGE_TTL_S_MAX = 604_800  # a week, as the portal itself keeps messages


def edge_of(action: Action, options: MinistraOptions) -> tuple[str, str, Mapping[str, str]]:
    """Word an action as verb, resource and form. Raises Unsupported for what a portal lacks."""
    match action.name:
        case "message":
            return "POST", "stb_msg", _message(action.params, options)
        case "reboot":
            return "POST", "send_event", {"event": "reboot"}
        case "kick":
            return "POST", "send_event", {"event": "reload_portal"}
        case "refresh":
            return "POST", "send_event", {"event": options.refresh_event}
        case "reset_device":
            return "PUT", "stb_auth", {"reset_device_id": "1"}
    raise Unsupported(f"a portal knows no action {action.name!r}")


def _message(params: Mapping[str, str], options: MinistraOptions) -> Mapping[str, str]:
    text = params.get("text", "")
    if not text.strip() or len(text) > MESSAGE_CHARS_MAX:
        raise Unsupported(f"a message has 1 to {MESSAGE_CHARS_MAX} characters")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise Unsupported("the message is no text")
    ttl_s = params.get("ttl_s", str(options.message_ttl_s))
    if not (ttl_s.isascii() and ttl_s.isdigit() and 0 < int(ttl_s[:9]) <= MESSAGE_TTL_S_MAX):
        raise Unsupported(f"ttl_s is a whole number from 1 to {MESSAGE_TTL_S_MAX}")
    # send_event loses the time after which the text hides itself, stb_msg keeps it.
    return {"msg": text, "ttl": ttl_s, "auto_hide_timeout": str(options.message_hide_s)}
