"""The parameters of the reference box: names of TR-181 and TR-135, types, who may write them.

One table for all boxes; a parameter reads a Cpe and, where it may be written, first checks a text
and then puts what was checked. It knows nothing of SOAP and of sessions.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from simulators.stb.box import PACKAGES_MAX, TEXT_CHARS_MAX
from simulators.stb.cwmp.cpe import Cpe
from simulators.stb.cwmp.paths import (
    ENABLE,
    INFO,
    MESSAGE_ON,
    MESSAGE_TEXT,
    MESSAGE_TIMES,
    MESSAGES,
    PACKAGES,
    PARAMETER_KEY,
    PERIOD_AT,
    PERIOD_ON,
    PERIOD_S,
    REQUEST_URL,
    ROOT,
    SERVER,
    SERVICE,
    SOFTWARE,
    STREAM,
    UNKNOWN_TIME,
)

MANUFACTURER = "Reference Boxes"
# What an Inform always tells (TR-181 i2, the parameters with forced inform, and UpTime).
FORCED = (
    ROOT + "RootDataModelVersion",
    INFO + "HardwareVersion",
    SOFTWARE,
    INFO + "ProvisioningCode",
    INFO + "UpTime",
    PARAMETER_KEY,
    REQUEST_URL,
)

NAME_CHARS_MAX = 256
PERIOD_S_MAX = 2**32 - 1
REPETITIONS_MAX = 100
PACKETS_PER_S = 700
_MESSAGE_SHOWN_S = 30

URL = re.compile(r"https?://[^\s/]+\S*")

_Check = Callable[[Cpe, str], Any]


class BadValue(Exception):
    """A text that a parameter does not take, with the fault's code."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter; without `put` it is read-only."""

    name: str
    kind: str
    read: Callable[[Cpe], str]
    check: _Check | None = None
    put: Callable[[Cpe, Any], None] | None = None

    @property
    def is_writable(self) -> bool:
        """Whether an ACS may write it."""
        return self.put is not None

    def write(self, cpe: Cpe, value: Any) -> None:
        """Put a value that `checked` gave."""
        if self.put is not None:
            self.put(cpe, value)

    def checked(self, cpe: Cpe, kind: str, text: str) -> Any:
        """Read a text that an ACS wishes.

        Raises BadValue with 9006 for another type, 9007 for a value, 9008 where it is read-only.
        """
        if self.check is None:
            raise BadValue(9008, "not writable")
        if kind and kind != self.kind:
            raise BadValue(9006, f"the type is {self.kind}")
        return self.check(cpe, text)


def below(path: str) -> list[str]:
    """List the parameters below a partial path; none where there is no such object."""
    return [name for name in TREE if name.startswith(path)] if path in OBJECTS else []


def names(path: str, *, is_next_level: bool) -> list[tuple[str, bool]] | None:
    """List objects and parameters at a path, as GetParameterNames tells them; None: no such path.

    An empty path with the next level alone tells the root.
    """
    if path in TREE:
        return None if is_next_level else [(path, TREE[path].is_writable)]
    if path and path not in OBJECTS:
        return None
    everything = sorted([*OBJECTS, *TREE])
    found = [one for one in everything if one.startswith(path)]
    if is_next_level:
        found = [one for one in found if one != path and "." not in one[len(path) : -1]]
    return [(one, one in TREE and TREE[one].is_writable) for one in found]


def boolean(*, is_true: bool) -> str:
    """Write a boolean as this box does."""
    return "true" if is_true else "false"


def show_message(cpe: Cpe) -> None:
    """Show the message that is wished, as often as is wished, where it is switched on."""
    text = MESSAGE.read(cpe)
    if cpe.settings.get(MESSAGE_ON) != "true" or not text:
        return
    cpe.box.show(text, _MESSAGE_SHOWN_S)
    for _ in range(int(TREE[MESSAGE_TIMES].read(cpe)) - 1):
        cpe.box.show_again()


def _boolean(_: Cpe, text: str) -> bool:
    if text.strip() not in {"0", "1", "true", "false"}:
        raise BadValue(9006, "no boolean")
    return text.strip() in {"1", "true"}


def _text(chars_max: int) -> _Check:
    def check(_: Cpe, text: str) -> str:
        if len(text) > chars_max:
            raise BadValue(9007, f"more than {chars_max} characters")
        return text

    return check


def _number(least: int, most: int) -> _Check:
    def check(_: Cpe, text: str) -> int:
        if not re.fullmatch(r"\s*\d{1,10}\s*", text):
            raise BadValue(9006, "no unsignedInt")
        if not least <= int(text) <= most:
            raise BadValue(9007, f"not from {least} to {most}")
        return int(text)

    return check


def _time(_: Cpe, text: str) -> str:
    try:
        told = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadValue(9006, "no dateTime") from None
    if told.tzinfo is not None:
        told = told.astimezone(UTC)
    return told.strftime("%Y-%m-%dT%H:%M:%SZ") if told.year > 1 else UNKNOWN_TIME


def _packages(cpe: Cpe, text: str) -> frozenset[str]:
    codes = frozenset(code.strip() for code in text.split(",") if code.strip())
    unknown = sorted(codes - cpe.box.known_packages)
    if unknown:
        raise BadValue(9007, f"unknown code {','.join(unknown)}")
    if len(codes) > PACKAGES_MAX:
        raise BadValue(9007, f"more than {PACKAGES_MAX} codes")
    return codes


def _url(_: Cpe, text: str) -> str:
    if not URL.fullmatch(text) or len(text) > NAME_CHARS_MAX:
        raise BadValue(9007, "no URL")
    return text


def _put_active(cpe: Cpe, value: bool) -> None:  # noqa: FBT001 - the parameter's own value
    cpe.box.set_active(value)


def _reset_pin(cpe: Cpe, value: bool) -> None:  # noqa: FBT001 - the parameter's own value
    if value:
        cpe.box.reset_pin()


def _put_acs(cpe: Cpe, url: str) -> None:
    if url != cpe.box.credentials.acs_url:
        cpe.is_new_to_acs = True
    cpe.box.credentials = replace(cpe.box.credentials, acs_url=url)


def _fixed(name: str, text: str, kind: str = "string") -> Parameter:
    return Parameter(name=name, kind=kind, read=lambda _: text)


def _shown(name: str, read: Callable[[Cpe], object], kind: str = "string") -> Parameter:
    return Parameter(name=name, kind=kind, read=lambda cpe: str(read(cpe)))


def _kept(name: str, kind: str, default: str, check: _Check) -> Parameter:
    """Make a parameter that is a setting and nothing more."""

    def put(cpe: Cpe, value: Any) -> None:
        cpe.set(name, boolean(is_true=value) if isinstance(value, bool) else str(value))

    return Parameter(
        name=name,
        kind=kind,
        read=lambda cpe: cpe.settings.get(name, default),
        check=check,
        put=put,
    )


def _credential(name: str, field: str, *, is_secret: bool) -> Parameter:
    """Make a parameter of the credentials; a secret is read as an empty text."""

    def put(cpe: Cpe, value: str) -> None:
        told: dict[str, Any] = {field: value}
        cpe.box.credentials = replace(cpe.box.credentials, **told)

    def read(cpe: Cpe) -> str:
        return "" if is_secret else str(getattr(cpe.box.credentials, field))

    return Parameter(name=SERVER + name, kind="string", read=read, check=_text(256), put=put)


def _packets(cpe: Cpe) -> int:
    return int(cpe.box.uptime_s) * PACKETS_PER_S if cpe.box.active else 0


MESSAGE = _kept(MESSAGE_TEXT, "string", "", _text(TEXT_CHARS_MAX))

_PARAMETERS: Iterable[Parameter] = (
    _fixed(ROOT + "RootDataModelVersion", "2.11"),
    _fixed(INFO + "Manufacturer", MANUFACTURER),
    _shown(INFO + "ManufacturerOUI", lambda cpe: cpe.box.oui),
    _shown(INFO + "ProductClass", lambda cpe: cpe.box.model),
    _shown(INFO + "SerialNumber", lambda cpe: cpe.serial),
    _fixed(INFO + "HardwareVersion", "1.0"),
    _shown(SOFTWARE, lambda cpe: cpe.box.firmware),
    _shown(INFO + "UpTime", lambda cpe: int(cpe.box.uptime_s), "unsignedInt"),
    _kept(INFO + "ProvisioningCode", "string", "", _text(64)),
    _shown(ROOT + "Ethernet.Interface.1.MACAddress", lambda cpe: cpe.mac),
    _fixed(ROOT + "Services.STBServiceNumberOfEntries", "1", "unsignedInt"),
    Parameter(
        name=ENABLE,
        kind="boolean",
        read=lambda cpe: boolean(is_true=cpe.box.active),
        check=_boolean,
        put=_put_active,
    ),
    Parameter(
        name=PACKAGES,
        kind="string",
        read=lambda cpe: ",".join(sorted(cpe.box.packages)),
        check=_packages,
        put=lambda cpe, codes: cpe.box.set_packages(codes),
    ),
    Parameter(
        name=SERVICE + "AVPlayers.ResetPINCode",
        kind="boolean",
        read=lambda _: "false",
        check=_boolean,
        put=_reset_pin,
    ),
    _shown(
        SERVICE + "AVStreams.AVStream.1.Status",
        lambda cpe: "Enabled" if cpe.box.active else "Disabled",
    ),
    _shown(STREAM + "Status", lambda cpe: "Enabled" if cpe.box.active else "Disabled"),
    _shown(STREAM + "Total.RTPStats.PacketsReceived", _packets, "unsignedInt"),
    _shown(STREAM + "Total.RTPStats.PacketsLost", lambda cpe: _packets(cpe) // 9973, "unsignedInt"),
    _kept(MESSAGES + "Title", "string", "", _text(64)),
    MESSAGE,
    _kept(MESSAGES + "IconType", "string", "None", _text(64)),
    _kept(MESSAGE_ON, "boolean", "false", _boolean),
    _kept(MESSAGE_TIMES, "unsignedInt", "1", _number(1, REPETITIONS_MAX)),
    _shown(
        MESSAGES + "ExecutedNumberOfRepetitions",
        lambda cpe: 0 if cpe.box.message is None else cpe.box.message.shown,
        "unsignedInt",
    ),
    Parameter(
        name=SERVER + "URL",
        kind="string",
        read=lambda cpe: cpe.box.credentials.acs_url,
        check=_url,
        put=_put_acs,
    ),
    _credential("Username", "acs_username", is_secret=False),
    _credential("Password", "acs_password", is_secret=True),
    _credential("ConnectionRequestUsername", "request_username", is_secret=False),
    _credential("ConnectionRequestPassword", "request_password", is_secret=True),
    _shown(REQUEST_URL, lambda cpe: cpe.request_url),
    _shown(PARAMETER_KEY, lambda cpe: cpe.box.revision),
    _kept(PERIOD_ON, "boolean", "true", _boolean),
    Parameter(
        name=PERIOD_S,
        kind="unsignedInt",
        read=lambda cpe: str(int(cpe.period_s)),
        check=_number(1, PERIOD_S_MAX),
        put=lambda cpe, seconds: cpe.set(PERIOD_S, str(seconds)),
    ),
    _kept(PERIOD_AT, "dateTime", UNKNOWN_TIME, _time),
)

TREE: Mapping[str, Parameter] = {one.name: one for one in _PARAMETERS}
OBJECTS = frozenset(
    name[: at + 1] for name in TREE for at, letter in enumerate(name) if letter == "."
)
SECRET = frozenset({SERVER + "Password", SERVER + "ConnectionRequestPassword"})
