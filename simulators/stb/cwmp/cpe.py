"""One box as its CWMP face: settings, events that wait for a session, and when the next one is due.

Holds no socket and no task, so a waiting box costs little. Times are monotonic seconds unless they
are called otherwise; chance comes from the box's seed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from simulators.faults import Fault, Faults
from simulators.journal import Journal
from simulators.stb.box import Box, Power
from simulators.stb.cwmp.paths import PERIOD_AT, PERIOD_ON, PERIOD_S, UNKNOWN_TIME

BOOTSTRAP = "0 BOOTSTRAP"
BOOT = "1 BOOT"
PERIODIC = "2 PERIODIC"
SCHEDULED = "3 SCHEDULED"
VALUE_CHANGE = "4 VALUE CHANGE"
REQUESTED = "6 CONNECTION REQUEST"

EVENTS_MAX = 64
RETRIES_COUNTED_MAX = 10
_ENDED_BY_BOOT = frozenset({PERIODIC, REQUESTED})
_NOTHING: Mapping[str, str] = {}

Event = tuple[str, str]  # code, command key


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things take; TR-069's own figures where they exist.

    Attempt n follows after m * k^(n-1) to m * k^n seconds, from the tenth on no later.
    """

    period_s: float = 3600.0
    retry_m_s: float = 5.0
    retry_k: float = 2.0
    answer_s: float = 30.0
    request_gap_s: float = 1.0

    def retry_s(self, retries: int, chance: Random) -> float:
        """Draw the wait before the attempt with that RetryCount."""
        least = self.retry_m_s * self.retry_k ** (min(retries, RETRIES_COUNTED_MAX) - 1)
        return chance.uniform(least, least * self.retry_k)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What all boxes of a process share: the journal, the faults, the pace."""

    journal: Journal
    faults: Faults
    pace: Pace
    latency_s: float = 0.0

    def strike(self, name: str, target: str) -> Fault | None:
        """Spend and count the fault of that name that hits the target, where there is one."""
        fault = self.faults.draw_named(name, target)
        if fault is not None:
            self.journal.faults[name] += 1
        return fault

    def is_on(self, name: str, target: str) -> bool:
        """Tell whether a condition of that name is in force for the target."""
        return self.faults.mode(name, target) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What one session tells: events, and the parameters that changed by themselves."""

    events: tuple[Event, ...]
    changed: frozenset[str]


class Cpe:
    """One box towards its ACS."""

    __slots__ = (
        "_around",
        "_phase",
        "boots_seen",
        "box",
        "changed",
        "committed",
        "events",
        "is_in_session",
        "is_linked",
        "is_new_to_acs",
        "is_reboot_asked",
        "is_reset_asked",
        "key_asked",
        "not_before",
        "path",
        "period_at",
        "request_at",
        "request_base",
        "resets_seen",
        "retries",
        "scheduled",
        "sessions",
        "settings",
        "told",
        "turn",
    )

    def __init__(self, box: Box, around: Around) -> None:
        chance = box.chance("cwmp")
        self.box = box
        self.path = f"/{chance.getrandbits(96):024x}"
        self.request_base = ""
        self.settings = _NOTHING
        self.events: tuple[Event, ...] = ()
        self.changed: frozenset[str] = frozenset()  # what a VALUE CHANGE tells
        self.told: Mapping[str, str] = _NOTHING  # what it says instead of the truth
        self.committed: tuple[Callable[[], None], ...] = ()  # what the next boot applies
        self.scheduled: tuple[tuple[float, str], ...] = ()
        self.boots_seen = 0
        self.resets_seen = box.resets
        self.is_new_to_acs = True
        self.is_in_session = False
        self.is_linked = False
        self.is_reboot_asked = self.is_reset_asked = False
        self.key_asked = ""
        self.retries = 0
        self.not_before = 0.0
        self.request_at = -around.pace.request_gap_s
        self.sessions = 0
        self.turn = 0
        self._around = around
        self._phase = chance.random()
        self.period_at = self._next_period()

    # Who it is

    @property
    def serial(self) -> str:
        """The serial it shows; a clone's is another box's."""
        fault = self._around.faults.mode("clone", self.box.serial)
        return self.box.serial if fault is None else fault.argument.partition(",")[0]

    @property
    def mac(self) -> str:
        """The MAC it shows."""
        fault = self._around.faults.mode("clone", self.box.serial)
        told = "" if fault is None else fault.argument.partition(",")[2]
        return ":".join(told[at : at + 2] for at in range(0, 12, 2)) if told else self.box.mac

    @property
    def request_url(self) -> str:
        """Where it says that it takes connection requests; behind NAT an address of its own."""
        if self._around.is_on("nat", self.box.serial):
            low = int(self.box.serial[-3:-1])
            return f"http://192.168.1.{low + 2}:7547{self.path}"
        return self.request_base + self.path

    def now(self) -> datetime:
        """Tell the time as the box knows it; without a time server it is 1970 at every boot."""
        if self._around.is_on("clock_1970", self.box.serial):
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(self.box.uptime_s))
        return self.box.clock.now()

    # What it is set to

    def set(self, name: str, text: str) -> None:
        """Keep a setting."""
        self.settings = {**self.settings, name: text}
        if name in {PERIOD_ON, PERIOD_S, PERIOD_AT}:
            self.period_at = self._next_period()

    @property
    def period_s(self) -> float:
        """The periodic inform interval."""
        told = self.settings.get(PERIOD_S)
        return self._around.pace.period_s if told is None else float(told)

    # What has happened

    def add(self, code: str, key: str = "") -> None:
        """Let an event wait for the next session, which a new one brings forward."""
        if (code, key) in self.events:
            return
        self.events = (*self.events, (code, key))[-EVENTS_MAX:]
        self.not_before = 0.0

    def change(self, names: Iterable[str]) -> None:
        """Let the next session tell that these parameters changed by themselves."""
        self.changed |= frozenset(names)
        self.add(VALUE_CHANGE)

    def ring(self) -> bool:
        """Take a connection request; False where the box is busy or was asked just now."""
        now = self.box.monotonic()
        if self.is_in_session or now < self.request_at + self._around.pace.request_gap_s:
            return False
        self.request_at = now
        self.add(REQUESTED)
        # The answer to the request is sent before the session begins.
        self.not_before = now + 0.01
        return True

    def schedule(self, delay_s: float, key: str) -> None:
        """Plan an Inform."""
        self.scheduled = tuple(sorted((*self.scheduled, (self.box.monotonic() + delay_s, key))))

    def catch_up(self) -> None:
        """Turn what time has brought into events: a boot, a period, a planned Inform."""
        now = self.box.monotonic()
        if self.box.boots != self.boots_seen:
            self._wake_up()
        if self._is_periodic and self.period_at <= now:
            self.add(PERIODIC)
            self.period_at = self._next_period()
        for at, key in self.scheduled:
            if at <= now:
                self.add(SCHEDULED)
                self.add("M ScheduleInform", key)
        self.scheduled = tuple(one for one in self.scheduled if one[0] > now)

    def due_at(self) -> float | None:
        """Tell when to look at the box again; None where nothing is to come by itself."""
        if not self.is_linked or self.is_in_session or self.box.power is not Power.UP:
            return None
        now = self.box.monotonic()
        if self.box.boots != self.boots_seen:
            return now
        moments = [at for at, _ in self.scheduled[:1]]
        if self._is_periodic:
            moments.append(self.period_at)
        if self.events:
            moments.append(max(now, self.not_before))
        return min(moments, default=None)

    @property
    def is_due(self) -> bool:
        """Whether there is something to tell now; `catch_up` first."""
        return (
            bool(self.events)
            and self.due_at() is not None
            and (self.not_before <= self.box.monotonic())
        )

    # What became of a session

    def chance(self) -> Random:
        """Make the source of chance of the next session."""
        self.sessions += 1
        return self.box.chance(f"session {self.sessions}")

    def take(self) -> News:
        """Give what a session has to tell; what happens from now on is for the next one."""
        news = News(events=self.events, changed=self.changed)
        self.events, self.changed = (), frozenset()
        return news

    def delivered(self, news: News) -> None:
        """Know that the ACS knows."""
        if (BOOTSTRAP, "") in news.events:
            self.is_new_to_acs = False
        self.retries = 0

    def failed(self, news: News, chance: Random, retry_after_s: float | None) -> None:
        """Plan the next attempt; nothing is lost, the events are told again."""
        self.events = tuple(dict.fromkeys((*news.events, *self.events)))[:EVENTS_MAX]
        self.changed |= news.changed
        self.retries += 1
        pace = self._around.pace
        wait_s = pace.retry_s(self.retries, chance)
        if retry_after_s is not None:
            wait_s = retry_after_s + chance.uniform(0.0, pace.retry_m_s)
        self.not_before = self.box.monotonic() + wait_s

    def ask_reboot(self, key: str) -> None:
        """Remember to restart when the session is over."""
        self.is_reboot_asked, self.key_asked = True, key

    def ask_reset(self) -> None:
        """Remember to forget everything when the session is over; a reboot beside it is moot."""
        self.is_reset_asked = True

    def do_asked(self) -> str:
        """Do what a session left to its end, and name it; empty where there is nothing."""
        is_reset, is_reboot, key = self.is_reset_asked, self.is_reboot_asked, self.key_asked
        self.is_reset_asked = self.is_reboot_asked = False
        self.key_asked = ""
        if self.box.power is not Power.UP:
            return ""
        if is_reset:
            self.box.factory_reset()
            return "FactoryReset"
        if is_reboot:
            self.add("M Reboot", key)
            self.box.edit({"last_key": key or self.box.last_key})
            # Without a key: over CWMP the same key twice are two restarts.
            self.box.reboot()
            return "Reboot"
        return ""

    def shown(self) -> dict[str, Any]:
        """Show the face's state as plain values."""
        return {
            "events": [list(event) for event in self.events],
            "retries": self.retries,
            "sessions": self.sessions,
            "in_session": self.is_in_session,
            "new_to_acs": self.is_new_to_acs,
            "request_url": self.request_url,
            "acs_url": self.box.credentials.acs_url,
            "acs_username": self.box.credentials.acs_username,
            "request_username": self.box.credentials.request_username,
            "settings": dict(self.settings),
        }

    @property
    def _is_periodic(self) -> bool:
        return self.settings.get(PERIOD_ON, "true") == "true"

    def _wake_up(self) -> None:
        """Begin anew after a boot: tell of it, apply what waited for it, believe nothing old."""
        self.boots_seen = self.box.boots
        self.told = _NOTHING
        if self.box.resets != self.resets_seen:
            self._forget()
        committed, self.committed = self.committed, ()
        for apply in committed:
            apply()
        kept = [event for event in self.events if event[0] not in _ENDED_BY_BOOT]
        first = [BOOTSTRAP, BOOT] if self.is_new_to_acs else [BOOT]
        told = [(code, "") for code in first]
        self.events = (*told, *(event for event in kept if event not in told))
        self.retries = 0
        self.not_before = 0.0

    def _forget(self) -> None:
        """Follow a factory reset of the box."""
        self.resets_seen = self.box.resets
        self.settings = _NOTHING
        self.events = self.committed = self.scheduled = ()
        self.changed = frozenset()
        # Some boxes keep their own file about the ACS through the wipe.
        self.is_new_to_acs = self._around.strike("plain_boot", self.box.serial) is None
        self.period_at = self._next_period()

    def _next_period(self) -> float:
        """Work out the next periodic Inform after this moment."""
        period_s = self.period_s
        anchor = self.settings.get(PERIOD_AT, UNKNOWN_TIME)
        now, past_s = self.box.monotonic(), self._phase * period_s
        if anchor != UNKNOWN_TIME:
            past_s = self.box.clock.seconds() - datetime.fromisoformat(anchor).timestamp()
        else:
            past_s += now
        return now + period_s - past_s % period_s
