"""The methods an ACS may call on a box, with the faults of TR-069 annex A.

Each takes a message and gives the body of the answer; what changes the box is journalled here.
Restarts are only asked for: a session carries them out at its end.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simulators.stb.box import KEY_CHARS_MAX, REVISION_CHARS_MAX, Busy
from simulators.stb.cwmp import soap, tree
from simulators.stb.cwmp.cpe import Around, Cpe
from simulators.stb.cwmp.paths import MESSAGE_ON, MESSAGE_TEXT, PARAMETER_KEY, ROOT
from simulators.stb.cwmp.tree import TREE, BadValue, Parameter

DELAY_S_MAX = 2**32 - 1
FAULTS: Mapping[int, str] = {
    9000: "Method not supported",
    9001: "Request denied",
    9002: "Internal error",
    9003: "Invalid arguments",
    9004: "Resources exceeded",
    9005: "Invalid parameter name",
    9006: "Invalid parameter type",
    9007: "Invalid parameter value",
    9008: "Attempt to set a non-writable parameter",
}


class Crashed(Exception):
    """The box restarts this moment: there is no answer, and the session is gone."""


class Fault(Exception):
    """A call that is answered with a fault, perhaps with one for each parameter."""

    def __init__(self, code: int, parameters: Mapping[str, tuple[int, str]] | None = None) -> None:
        super().__init__(f"{code} {FAULTS.get(code, 'Vendor fault')}")
        self.code = code
        self.parameters = dict(parameters or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call of an ACS on a box."""

    cpe: Cpe
    around: Around
    message: soap.Message

    def strike(self, name: str, rest: str = "") -> Any:
        """Look whether a fault hits this call, or one parameter of it."""
        target = f"{self.cpe.box.serial} {self.message.method}"
        return self.around.strike(name, f"{target} {rest}" if rest else target)

    def note(self, what: str, before: Any, after: Any) -> None:
        """Journal what the call did to the box; equal values are no change."""
        serial = self.cpe.box.serial
        self.around.journal.event(what, serial, face="device", before=before, after=after)


def answer(cpe: Cpe, around: Around, message: soap.Message) -> str:
    """Do what the ACS asks for and write the answer's body.

    Raises Crashed where the box restarts instead of answering.
    """
    asked = Asked(cpe=cpe, around=around, message=message)
    try:
        _refuse_injected(asked)
        return METHODS.get(message.method, _unknown)(asked)
    except Fault as fault:
        refused = {name: code for name, (code, _) in fault.parameters.items()}
        told = {"fault": fault.code, "parameters": refused}
        asked.note(f"REFUSED {message.method}", told, told)
        return soap.fault(fault.code, FAULTS.get(fault.code, "Vendor fault"), fault.parameters)


def values(cpe: Cpe, around: Around, names: Iterable[str]) -> list[soap.Value]:
    """Tell the values of parameters as the box tells them, which may not be the truth."""
    is_odd = around.is_on("odd_values", cpe.box.serial)
    return [_value(cpe, TREE[name], is_odd=is_odd) for name in names]


def _value(cpe: Cpe, parameter: Parameter, *, is_odd: bool) -> soap.Value:
    text = cpe.told.get(parameter.name)
    if text is None:
        text = parameter.read(cpe)
    if is_odd and parameter.kind == "boolean":
        text = "1" if text == "true" else "0"
    if is_odd and parameter.kind == "dateTime":
        text = text.removesuffix("Z")
    return parameter.name, parameter.kind, text


def _refuse_injected(asked: Asked, name: str = "") -> None:
    injected = asked.strike("cwmp_fault", name)
    if injected is not None:
        raise Fault(injected.number)


def _unknown(_: Asked) -> str:
    raise Fault(9000)


def _rpc_methods(_: Asked) -> str:
    return soap.methods_response(sorted(METHODS))


def _get_values(asked: Asked) -> str:
    found: list[str] = []
    for name in asked.message.texts("ParameterNames"):
        is_path = not name or name.endswith(".")
        matched = tree.below(name or ROOT) if is_path else [name] if name in TREE else []
        if not matched:
            _crash_on_unknown(asked, name)
            raise Fault(9005)
        found += matched
    for name in found:
        _refuse_injected(asked, name)
    return soap.values_response(values(asked.cpe, asked.around, found))


def _get_names(asked: Asked) -> str:
    path = asked.message.text("ParameterPath").strip()
    level = asked.message.text("NextLevel").strip()
    if level not in {"0", "1", "true", "false"}:
        raise Fault(9003)
    is_next_level = level in {"1", "true"}
    if path in TREE and is_next_level:
        raise Fault(9003)
    names = tree.names(path, is_next_level=is_next_level)
    if names is None:
        _crash_on_unknown(asked, path)
        raise Fault(9005)
    return soap.names_response(names)


def _set_values(asked: Asked) -> str:
    key = asked.message.text("ParameterKey")
    wanted = asked.message.values()
    if len(key) > REVISION_CHARS_MAX or not key.isprintable():
        raise Fault(9003)
    checked = _checked(asked, wanted)
    if asked.cpe.box.free_mb <= 0:
        raise Fault(9004)
    struck = asked.strike("reboot_in_set")
    if struck is not None and struck.argument != "after":
        _restart(asked)
    status = _write(asked, checked, key)
    if struck is not None or asked.strike("crash") is not None:
        _restart(asked)
    return soap.response("SetParameterValues", f"<Status>{status}</Status>")


def _checked(asked: Asked, wanted: list[soap.Value]) -> dict[str, Any]:
    """Check every value before any is written; one that is wrong and none is."""
    checked: dict[str, Any] = {}
    refused: dict[str, tuple[int, str]] = {}
    for name, kind, text in wanted:
        if name in checked:
            raise Fault(9003)
        try:
            checked[name] = _parsed(asked, name, kind, text)
        except BadValue as error:
            refused[name] = (error.code, f"{FAULTS.get(error.code, 'Vendor fault')}: {error}")
    if refused:
        raise Fault(9003, refused)
    return checked


def _parsed(asked: Asked, name: str, kind: str, text: str) -> Any:
    if name not in TREE:
        _crash_on_unknown(asked, name)
        raise BadValue(9005, "no such parameter")
    injected = asked.strike("cwmp_fault", name)
    if injected is not None:
        raise BadValue(injected.number, "injected")
    return TREE[name].checked(asked.cpe, kind, text)


def _write(asked: Asked, checked: Mapping[str, Any], key: str) -> int:
    """Write what was checked, as far as the faults let it, and tell the Status."""
    cpe = asked.cpe
    before = _read(cpe, [*checked, PARAMETER_KEY])
    status = 0
    if asked.strike("status_1"):
        cpe.committed = (*cpe.committed, lambda: _put(cpe, checked))
        status = 1
    elif asked.strike("lies"):
        cpe.told = {**cpe.told, **{name: _as_told(name, one) for name, one in checked.items()}}
    else:
        if asked.strike("stale"):
            cpe.told = {**{name: before[name] for name in checked}, **cpe.told}
        _put(cpe, checked)
    if not asked.strike("key_stuck"):
        cpe.box.set_revision(key)
    asked.note("SetParameterValues", before, _read(cpe, before))
    return status


def _put(cpe: Cpe, checked: Mapping[str, Any]) -> None:
    was = _read(cpe, (MESSAGE_ON, MESSAGE_TEXT))
    try:
        with cpe.box.writing():
            for name, value in checked.items():
                TREE[name].write(cpe, value)
    except Busy:
        raise Fault(9002) from None
    if _read(cpe, was) != was:
        tree.show_message(cpe)


def _read(cpe: Cpe, names: Iterable[str]) -> dict[str, str]:
    return {name: TREE[name].read(cpe) for name in names}


def _as_told(name: str, value: Any) -> str:
    """Write a checked value as the box would tell it if it had kept it."""
    if isinstance(value, bool):
        return tree.boolean(is_true=value)
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    return "" if name in tree.SECRET else str(value)


def _reboot(asked: Asked) -> str:
    key = asked.message.text("CommandKey")
    if len(key) > KEY_CHARS_MAX:
        raise Fault(9003)
    asked.cpe.ask_reboot(key)
    return soap.response("Reboot")


def _factory_reset(asked: Asked) -> str:
    asked.cpe.ask_reset()
    return soap.response("FactoryReset")


def _schedule_inform(asked: Asked) -> str:
    delay, key = asked.message.text("DelaySeconds").strip(), asked.message.text("CommandKey")
    is_number = delay.isascii() and delay.isdigit()
    if not is_number or not 0 < int(delay) <= DELAY_S_MAX or len(key) > KEY_CHARS_MAX:
        raise Fault(9003)
    asked.cpe.schedule(float(delay), key)
    return soap.response("ScheduleInform")


def _crash_on_unknown(asked: Asked, name: str) -> None:
    if asked.strike("unknown_name_crash", name) is not None:
        _restart(asked)


def _restart(asked: Asked) -> None:
    asked.cpe.box.crash()
    raise Crashed


METHODS: Mapping[str, Callable[[Asked], str]] = {
    "GetRPCMethods": _rpc_methods,
    "GetParameterValues": _get_values,
    "GetParameterNames": _get_names,
    "SetParameterValues": _set_values,
    "Reboot": _reboot,
    "FactoryReset": _factory_reset,
    "ScheduleInform": _schedule_inform,
}
