"""CWMP envelopes as boxes write them (TR-069 Amendment 6, cwmp-1-0 to cwmp-1-2).

Read by local name: prefixes, blanks and counts of arrays mean nothing here. Any DOCTYPE, entity or
processing instruction is refused before it is parsed, and nothing is believed to be small.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from lxml import etree

from gateway.adapters.stb.cwmp.faults import BoxFault, RefusedParameter
from gateway.adapters.stb.cwmp.maps import NAME_CHARS_MAX

DEPTH_MAX = 32
PARAMETERS_MAX = 5_000
EVENTS_MAX = 64
LABEL_CHARS_MAX = 64
KEY_CHARS_MAX = 32
VALUE_CHARS_MAX = 65_536
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
OLDEST = "urn:dslforum-org:cwmp-1-0"

_NAMESPACE = re.compile(r"urn:dslforum-org:cwmp-1-[0-9]")
_ENCODINGS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "latin-1"})
_DECLARATION = re.compile(rb"<\?xml\s[^<>]{0,200}?\?>")
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
# Markup that is neither a comment nor CDATA, and every instruction behind the declaration.
_BARRED = re.compile(rb"<!(?!--|\[CDATA\[)|<\?|\0")
_BOM = b"\xef\xbb\xbf"
_BLANKS = b" \t\r\n"
_PARSER = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
)
_is_too_deep = etree.XPath(f"boolean({'/*' * (DEPTH_MAX + 1)})")


class Unreadable(Exception):
    """What came is no CWMP message. The text says why, and nothing of what came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A message: its method, its id, the namespace of its version, its arguments."""

    method: str
    id: str
    namespace: str
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Inform:
    """What a box says of itself when it calls."""

    serial: str
    model: str
    events: tuple[tuple[str, str], ...]  # code and command key
    retries: int
    values: Mapping[str, str]

    def has(self, *codes: str) -> bool:
        """Tell whether one of these is among its events."""
        return any(code in codes for code, _ in self.events)


def read(body: bytes) -> Envelope:
    """Read a message. Raises Unreadable."""
    root = _parsed(body)
    bodies = [one for one in root if _local(one) == "Body"]
    is_envelope = _local(root) == "Envelope" and _space(root) in {"", SOAP}
    if not is_envelope or len(bodies) != 1 or len(bodies[0]) != 1:
        raise Unreadable("no SOAP envelope with one body and one method in it")
    method = bodies[0][0]
    header = _child(root, "Header")
    number = "" if header is None else _text(header, "ID")
    if len(number) > NAME_CHARS_MAX:
        raise Unreadable("the id is too long")
    return Envelope(method=_local(method), id=number, namespace=_namespace(method), body=method)


def inform_of(envelope: Envelope) -> Inform:
    """Read an Inform. Raises Unreadable."""
    parts = _parts(envelope.body)
    device = _texts(parts.get("DeviceId", ()))
    serial, model = device.get("SerialNumber", ""), device.get("ProductClass", "")
    if not 0 < len(serial) <= LABEL_CHARS_MAX or not serial.isprintable():
        raise Unreadable("no serial number")
    if len(model) > LABEL_CHARS_MAX:
        raise Unreadable("the product class is too long")
    events = [_texts(one) for one in _members(parts.get("Event"), EVENTS_MAX)]
    retries = _texts(envelope.body).get("RetryCount", "")
    return Inform(
        serial=serial,
        model=model,
        events=tuple((one.get("EventCode", ""), one.get("CommandKey", "")) for one in events),
        retries=_whole(retries) if retries else 0,
        values=_values(parts.get("ParameterList")),
    )


def values_of(envelope: Envelope) -> Mapping[str, str]:
    """Read a ParameterList: texts by name. Raises Unreadable."""
    return _values(_child(envelope.body, "ParameterList"))


def status_of(envelope: Envelope) -> int:
    """Read the Status of a response: 0 is done, 1 is done at the next boot."""
    return _whole(_text(envelope.body, "Status"))


def fault_of(envelope: Envelope) -> BoxFault:
    """Read a fault, with those of single parameters. Raises Unreadable."""
    detail = _child(envelope.body, "detail")
    told = None if detail is None else _child(detail, "Fault")
    if told is None:
        return BoxFault(code=0, text="a SOAP fault without a word of CWMP")
    refused = tuple(
        RefusedParameter(
            name=_text(one, "ParameterName")[:NAME_CHARS_MAX],
            code=_whole(_text(one, "FaultCode")),
            text=_text(one, "FaultString"),
        )
        for one in told
        if _local(one) == "SetParameterValuesFault"
    )
    return BoxFault(
        code=_whole(_text(told, "FaultCode")),
        text=_text(told, "FaultString"),
        parameters=refused[:PARAMETERS_MAX],
    )


def _parsed(body: bytes) -> Any:
    text = body.removeprefix(_BOM).lstrip(_BLANKS)
    declared = _DECLARATION.match(text)
    if declared is not None:
        encoding = _ENCODING.search(declared[0])
        if encoding is not None and encoding[1].decode("ascii").lower() not in _ENCODINGS:
            raise Unreadable("an encoding that is not taken here")
    if _BARRED.search(text, declared.end() if declared else 0):
        raise Unreadable("a DOCTYPE, an entity, an instruction or a NUL")
    try:
        root = etree.fromstring(text, _PARSER)
    except (etree.LxmlError, ValueError, LookupError):
        raise Unreadable("no XML") from None
    if _is_too_deep(root):
        raise Unreadable(f"deeper than {DEPTH_MAX}")
    return root


def _values(array: Any) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for struct in _members(array, PARAMETERS_MAX):
        parts = _parts(struct)
        name, value = parts.get("Name"), parts.get("Value")
        told = "" if name is None else (name.text or "").strip()
        text = "" if value is None else value.text or ""
        if not 0 < len(told) <= NAME_CHARS_MAX or len(text) > VALUE_CHARS_MAX:
            raise Unreadable("a parameter without a name, or too long")
        found[told] = text
    return found


def _members(array: Any, items_max: int) -> Iterable[Any]:
    """List the members of an array, whatever count it tells."""
    if array is None:
        return ()
    if len(array) > items_max:
        raise Unreadable(f"more than {items_max} of an array")
    return cast("Iterable[Any]", array)


def _parts(parent: Any) -> dict[str, Any]:
    """Name the children; of those that come twice the last one counts."""
    return {one.tag.rpartition("}")[2]: one for one in parent}


def _texts(parent: Iterable[Any]) -> dict[str, str]:
    return {one.tag.rpartition("}")[2]: (one.text or "").strip() for one in parent}


def _child(parent: Any, name: str) -> Any:
    for one in parent:
        if _local(one) == name:
            return one
    return None


def _text(parent: Any, name: str) -> str:
    found = _child(parent, name)
    return "" if found is None else (found.text or "").strip()


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):  # noqa: PLR2004 - 32 bits
        raise Unreadable("no whole number where one belongs")
    return int(text)


def _local(element: Any) -> str:
    return cast("str", element.tag.rpartition("}")[2])  # no comments and instructions are left


def _space(element: Any) -> str:
    return element.tag[1:].partition("}")[0] if element.tag.startswith("{") else ""


def _namespace(method: Any) -> str:
    """Tell the version of a method; a fault, which is SOAP's, and one without any has the oldest.

    Raises Unreadable for a method of another world.
    """
    told = _space(method)
    if told and told != SOAP and not _NAMESPACE.fullmatch(told):
        raise Unreadable("a method that is none of CWMP")
    return told if told not in {"", SOAP} else OLDEST
