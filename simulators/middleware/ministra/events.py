"""Events on their way to the boxes: a queue per user, delivered one by one by the watchdog poll."""

import itertools
from dataclasses import dataclass

MESSAGE_TTL_S = 7 * 24 * 3600
MESSAGES = frozenset({"send_msg", "send_msg_with_video"})
COMMAND_PRIORITY = 1
MESSAGE_PRIORITY = 2


@dataclass(slots=True, kw_only=True)
class Event:
    """A row of `events`."""

    id: int
    event: str
    msg: str
    added_at: float
    ends_at: float
    priority: int
    need_confirm: bool
    reboot_after_ok: bool
    auto_hide_timeout: int
    param1: str
    is_sent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be sent, before it is known to whom."""

    event: str
    msg: str = ""
    reboot_after_ok: bool = False
    auto_hide_timeout: int = 0
    param1: str = ""
    ttl_s: int = 0


class Events:
    """The events that have not ended, by user id."""

    def __init__(self) -> None:
        self._queues: dict[int, list[Event]] = {}
        self._numbers = itertools.count(1)

    def queue(self, user_id: int, draft: Draft, *, now: float, ttl_s: int) -> Event:
        """Add an event; an unsent message that asks for a reboot replaces its forerunner."""
        is_message = draft.event in MESSAGES
        event = Event(
            id=next(self._numbers),
            event=draft.event,
            msg=draft.msg,
            added_at=now,
            ends_at=now + (draft.ttl_s or ttl_s),
            priority=MESSAGE_PRIORITY if is_message else COMMAND_PRIORITY,
            need_confirm=is_message,
            reboot_after_ok=draft.reboot_after_ok,
            auto_hide_timeout=draft.auto_hide_timeout,
            param1=draft.param1,
        )
        waiting = self.waiting(user_id, now)
        if draft.event == "send_msg" and draft.reboot_after_ok:
            waiting = [e for e in waiting if e.is_sent or not _asks_reboot(e)]
        self._queues[user_id] = [*waiting, event]
        return event

    def waiting(self, user_id: int, now: float) -> list[Event]:
        """List the events that have not ended: commands first, then by age."""
        alive = [event for event in self._queues.get(user_id, ()) if event.ends_at > now]
        return sorted(alive, key=lambda event: (event.priority, event.added_at, event.id))

    def end(self, user_id: int, event_id: int) -> bool:
        """End an event that was delivered or confirmed."""
        queue = self._queues.get(user_id, [])
        left = [event for event in queue if event.id != event_id]
        self._queues[user_id] = left
        return len(left) < len(queue)


def _asks_reboot(event: Event) -> bool:
    return event.event == "send_msg" and event.reboot_after_ok
