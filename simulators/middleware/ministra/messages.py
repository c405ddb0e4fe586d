"""REST resources that speak to boxes: `send_event` and `stb_msg`.

`send_event` without an id goes to every box.
"""

from collections.abc import Sequence
from typing import Any

from simulators.middleware.ministra.ask import Ask, RestError
from simulators.middleware.ministra.events import Draft
from simulators.middleware.ministra.form import text_of, truth_of, whole_number_of
from simulators.middleware.ministra.rows import subject_of
from simulators.middleware.ministra.users import User

# what a caller may ask for -> what the box is told
_COMMANDS = {
    "reboot": "reboot",
    "reload_portal": "reload_portal",
    "update_channels": "update_subscription",
    "update_image": "update_image",
    "show_menu": "show_menu",
    "cut_off": "cut_off",
}
_PLAY = {"play_channel", "play_radio_channel"}
EVERYBODY = "*"


async def send_event(ask: Ask) -> bool:
    """Queue an event for the boxes of the ids; False for an event that cannot be sent here."""
    users = ask.boxes() if ask.ids else list(ask.portal.users)
    if ask.ids and not users:
        raise RestError("STB not found")
    draft = _draft(ask)
    if draft is None:
        return False
    _send(ask, users, draft)
    return True


async def message(ask: Ask) -> bool:
    """Queue a message for the boxes of the ids."""
    users = ask.boxes()
    if not users:
        raise RestError("Empty stb list")
    if not truth_of(ask.form, "msg"):
        raise RestError("Empty msg")
    draft = Draft(
        event="send_msg",
        msg=text_of(ask.form, "msg"),
        auto_hide_timeout=whole_number_of(ask.form, "auto_hide_timeout"),
        ttl_s=whole_number_of(ask.form, "ttl"),
    )
    _send(ask, users, draft)
    return True


def _draft(ask: Ask) -> Draft | None:
    name = text_of(ask.form, "event")
    msg = text_of(ask.form, "msg")
    ttl_s = whole_number_of(ask.form, "ttl")
    if name == "send_msg":
        # auto_hide_timeout is set only after saving, hence lost.
        return Draft(
            event=name, msg=msg, reboot_after_ok=truth_of(ask.form, "need_reboot"), ttl_s=ttl_s
        )
    if name == "send_msg_with_video":
        return Draft(event=name, msg=msg, param1=text_of(ask.form, "video"), ttl_s=ttl_s)
    if name in _PLAY:
        return Draft(event=name, msg=text_of(ask.form, "channel"), ttl_s=ttl_s)
    if name in _COMMANDS:
        return Draft(event=_COMMANDS[name], ttl_s=ttl_s)
    return None


def _send(ask: Ask, users: Sequence[User], draft: Draft) -> None:
    for user in users:
        event = ask.portal.send(user, draft)
        if ask.ids:
            after = {**_shown(draft), "event_id": event.id}
            ask.journal.effect(ask.call, subject_of(user), before=None, after=after)
    if not ask.ids:
        after = {**_shown(draft), "boxes": len(users)}
        ask.journal.effect(ask.call, EVERYBODY, before=None, after=after)


def _shown(draft: Draft) -> dict[str, Any]:
    return {"event": draft.event, "msg": draft.msg, "reboot_after_ok": int(draft.reboot_after_ok)}
