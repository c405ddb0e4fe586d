"""Operations of the admin face on boxes: what a hand at the box, or in its file system, would do.

Every one names the box by `serial`; the rack writes it to the journal.
"""

from collections.abc import Callable, Mapping
from typing import Any

from simulators.simulator import BadOperation
from simulators.stb.box import Box, Refusal
from simulators.stb.boxes import changed

_Operation = Callable[[Box, Mapping[str, Any]], Any]


def named(operation: Mapping[str, Any]) -> tuple[str, str]:
    """Read what is to be done, `op`, and to which box, `serial`. Raises BadOperation."""
    name = str(operation.get("op", ""))
    if name not in OPERATIONS:
        raise BadOperation(f"unknown operation {name!r}; known: {', '.join(sorted(OPERATIONS))}")
    if "serial" not in operation:
        raise BadOperation("name the box by serial")
    return name, str(operation["serial"])


def operate(box: Box, name: str, operation: Mapping[str, Any]) -> Any:
    """Do it to the box. Raises BadOperation where the box refuses."""
    try:
        return OPERATIONS[name](box, operation)
    except Refusal as error:
        raise BadOperation(str(error)) from None


def _power_off(box: Box, _: Mapping[str, Any]) -> Any:
    box.power_off()


def _power_on(box: Box, _: Mapping[str, Any]) -> Any:
    box.power_on()


def _crash(box: Box, _: Mapping[str, Any]) -> Any:
    box.crash()


def _reboot(box: Box, operation: Mapping[str, Any]) -> Any:
    return box.reboot(str(operation.get("key", "")))


def _factory_reset(box: Box, operation: Mapping[str, Any]) -> Any:
    return box.factory_reset(str(operation.get("key", "")))


def _set(box: Box, operation: Mapping[str, Any]) -> Any:
    fields: Mapping[str, Any] = operation["fields"]
    try:
        box.edit(fields)
    except KeyError as error:
        raise BadOperation(f"a box has no field {error}") from None
    return len(fields)


def _credentials(box: Box, operation: Mapping[str, Any]) -> Any:
    """Change what callers are known by, until the next factory reset."""
    box.credentials = changed(box.credentials, operation["fields"])


def _channel(box: Box, operation: Mapping[str, Any]) -> Any:
    box.channel = str(operation["channel"])


def _new_host_key(box: Box, _: Mapping[str, Any]) -> Any:
    box.host_key_generation += 1


def _show_again(box: Box, _: Mapping[str, Any]) -> Any:
    box.show_again()


OPERATIONS: dict[str, _Operation] = {
    "power_off": _power_off,
    "power_on": _power_on,
    "crash": _crash,
    "reboot": _reboot,
    "factory_reset": _factory_reset,
    "set": _set,
    "credentials": _credentials,
    "channel": _channel,
    "new_host_key": _new_host_key,
    "show_again": _show_again,
}
