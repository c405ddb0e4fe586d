"""SOAP envelopes of CWMP, as a CPE writes them and reads them.

Written from TR-069 Amendment 6 and cwmp-1-2.xsd; knows no parameter and no box. What an ACS sends
is read by local name, once, and strictly: a CPE ends a session it does not understand.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

NAMESPACE = "urn:dslforum-org:cwmp-1-2"
MESSAGE_BYTES_MAX = 4 * 2**20

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_ID = "{" + NAMESPACE + "}ID"
_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True
)
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<soap-env:Envelope xmlns:soap-env="{_SOAP}"'
    ' xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    f' xmlns:cwmp="{NAMESPACE}">'
    '<soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">'
)
_MIDDLE = "</cwmp:ID></soap-env:Header><soap-env:Body>"
_TAIL = "</soap-env:Body></soap-env:Envelope>"

Value = tuple[str, str, str]  # name, xsd type without its prefix, text


class Unreadable(Exception):
    """What the ACS sent is no CWMP message; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What an ACS sent: the method, its id and its arguments as an element."""

    method: str
    id: str
    body: Any

    def text(self, name: str) -> str:
        """Tell the text of an argument, empty where there is none."""
        found = _child(self.body, name)
        return "" if found is None else (found.text or "")

    def texts(self, name: str) -> list[str]:
        """Tell the texts of the members of an array argument."""
        array = _child(self.body, name)
        return [] if array is None else [(one.text or "").strip() for one in _elements(array)]

    def values(self) -> list[Value]:
        """Tell the ParameterList: names, types (empty where none is told) and texts."""
        array = _child(self.body, "ParameterList")
        return [] if array is None else [_value(one) for one in _elements(array)]

    @property
    def is_session_end(self) -> bool:
        """Whether the ACS has nothing to ask."""
        return not self.method


END = Message(method="", id="", body=None)


def read(body: bytes) -> Message:
    """Read what an ACS sent; an empty body ends the session.

    Raises Unreadable for anything that is no CWMP message of our version.
    """
    if not body.strip():
        return END
    try:
        root = etree.fromstring(body, _PARSER)
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"no XML: {error}") from None
    if root.getroottree().docinfo.doctype:
        raise Unreadable("a DOCTYPE")
    if root.tag != f"{{{_SOAP}}}Envelope":
        raise Unreadable(f"no SOAP envelope but {root.tag}")
    called = next(iter(_elements(_child(root, "Body"))), None)
    if called is None:
        raise Unreadable("no Body, or an empty one")
    name = etree.QName(called)
    if name.namespace not in {NAMESPACE, _SOAP}:
        raise Unreadable(f"{name.localname} of the namespace {name.namespace}")
    header = _child(root, "Header")
    told = None if header is None else header.find(_ID)
    number = "" if told is None else (told.text or "")
    return Message(method=name.localname, id=number, body=called)


def fault_code(message: Message) -> str:
    """Tell the CWMP code in a fault that an ACS answered, empty where there is none."""
    found = [one.text or "" for one in message.body.iter() if _local(one) == "FaultCode"]
    return found[0] if found else ""


def envelope(number: str, body: str) -> str:
    """Wrap the body of a message whose id is `number`."""
    return f"{_HEAD}{escape(number)}{_MIDDLE}{body}{_TAIL}"


def inform(
    *,
    device: str,
    events: Iterable[tuple[str, str]],
    now: str,
    retries: int,
    values: Sequence[Value],
) -> str:
    """Write an Inform; `device` is the DeviceId as `device_id` wrote it."""
    told = [_event(code, key) for code, key in events]
    return (
        f"<cwmp:Inform>{device}"
        f'<Event soap-enc:arrayType="cwmp:EventStruct[{len(told)}]">{"".join(told)}</Event>'
        f"<MaxEnvelopes>1</MaxEnvelopes><CurrentTime>{now}</CurrentTime>"
        f"<RetryCount>{retries}</RetryCount>{_list(values)}</cwmp:Inform>"
    )


def device_id(*, manufacturer: str, oui: str, model: str, serial: str) -> str:
    """Write the DeviceId of an Inform."""
    return (
        f"<DeviceId><Manufacturer>{escape(manufacturer)}</Manufacturer><OUI>{escape(oui)}</OUI>"
        f"<ProductClass>{escape(model)}</ProductClass>"
        f"<SerialNumber>{escape(serial)}</SerialNumber></DeviceId>"
    )


def response(method: str, arguments: str = "") -> str:
    """Write the response to a method."""
    return f"<cwmp:{method}Response>{arguments}</cwmp:{method}Response>"


def values_response(values: Sequence[Value]) -> str:
    """Write the response to GetParameterValues."""
    return response("GetParameterValues", _list(values))


def names_response(names: Sequence[tuple[str, bool]]) -> str:
    """Write the response to GetParameterNames: paths, and whether they may be written."""
    told = "".join(
        f"<ParameterInfoStruct><Name>{escape(name)}</Name><Writable>{int(is_writable)}</Writable>"
        "</ParameterInfoStruct>"
        for name, is_writable in names
    )
    kind = f"cwmp:ParameterInfoStruct[{len(names)}]"
    return response(
        "GetParameterNames", f'<ParameterList soap-enc:arrayType="{kind}">{told}</ParameterList>'
    )


def methods_response(methods: Sequence[str]) -> str:
    """Write the response to GetRPCMethods."""
    told = "".join(f"<string>{method}</string>" for method in methods)
    return response(
        "GetRPCMethods",
        f'<MethodList soap-enc:arrayType="xsd:string[{len(methods)}]">{told}</MethodList>',
    )


def fault(code: int, text: str, parameters: Mapping[str, tuple[int, str]] | None = None) -> str:
    """Write a CWMP fault, with one entry for each parameter that was refused."""
    each = "".join(
        f"<SetParameterValuesFault><ParameterName>{escape(name)}</ParameterName>"
        f"<FaultCode>{number}</FaultCode><FaultString>{escape(why)}</FaultString>"
        "</SetParameterValuesFault>"
        for name, (number, why) in (parameters or {}).items()
    )
    return (
        "<soap-env:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring>"
        f"<detail><cwmp:Fault><FaultCode>{code}</FaultCode>"
        f"<FaultString>{escape(text)}</FaultString>{each}</cwmp:Fault></detail></soap-env:Fault>"
    )


# What a box may do to an envelope that is still, or nearly, the same message.
ODDITIES: Mapping[str, Callable[[str], str]] = {
    "prefix": lambda text: text.replace("soap-env:", "SOAP_ENV:").replace(
        "xmlns:soap-env", "xmlns:SOAP_ENV"
    ),
    "pretty": lambda text: re.sub("(?<=>)(?=<[^/])", "\n   ", text).replace(" xmlns", "\n   xmlns"),
    "space": lambda text: " \r\n" + text.partition("?>")[2],
    "count": lambda text: re.sub(r"ValueStruct\[\d+\]", "ValueStruct[16]", text),
}


def _list(values: Sequence[Value]) -> str:
    told = "".join(
        f"<ParameterValueStruct><Name>{escape(name)}</Name>"
        f'<Value xsi:type="xsd:{kind}">{escape(text)}</Value></ParameterValueStruct>'
        for name, kind, text in values
    )
    array = f"cwmp:ParameterValueStruct[{len(values)}]"
    return f'<ParameterList soap-enc:arrayType="{array}">{told}</ParameterList>'


def _event(code: str, key: str) -> str:
    return (
        f"<EventStruct><EventCode>{code}</EventCode>"
        f"<CommandKey>{escape(key)}</CommandKey></EventStruct>"
    )


def _value(struct: Any) -> Value:
    name, value = _child(struct, "Name"), _child(struct, "Value")
    if name is None or value is None:
        raise Unreadable("a ParameterValueStruct without Name or Value")
    kind = value.get(_TYPE, "").rpartition(":")[2]
    return (name.text or "").strip(), kind, value.text or ""


def _child(element: Any, name: str) -> Any:
    if element is None:
        return None
    return next((one for one in element if _local(one) == name), None)


def _elements(element: Any) -> list[Any]:
    return [] if element is None else [one for one in element if isinstance(one.tag, str)]


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
