"""CWMP envelopes as an ACS writes them, in the version the box speaks. Pure.

Names, keys and texts are checked for their length before they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

from gateway.adapters.stb.cwmp.maps import NAME_CHARS_MAX
from gateway.adapters.stb.cwmp.soap import KEY_CHARS_MAX

_OPEN = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:cwmp="'
)
_HEADER = '"><soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">'
_BODY = "</cwmp:ID></soap-env:Header><soap-env:Body>"
_CLOSE = "</soap-env:Body></soap-env:Envelope>"
METHODS = ("Inform", "GetRPCMethods", "TransferComplete")

Value = tuple[str, str, str]  # name, type of XML Schema, text


def envelope(namespace: str, number: str, body: str) -> bytes:
    """Wrap the body of a message."""
    whole = f"{_OPEN}{namespace}{_HEADER}{escape(number)}{_BODY}{body}{_CLOSE}"
    return whole.encode("utf-8", "replace")


def inform_response() -> str:
    """Take an Inform; one message at a time from here on."""
    return "<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>"


def transfer_complete_response() -> str:
    """Take note of a transfer."""
    return "<cwmp:TransferCompleteResponse/>"


def methods_response() -> str:
    """List what a box may call here."""
    named = "".join(f"<string>{name}</string>" for name in METHODS)
    return (
        f'<cwmp:GetRPCMethodsResponse><MethodList soap-enc:arrayType="xsd:string[{len(METHODS)}]">'
        f"{named}</MethodList></cwmp:GetRPCMethodsResponse>"
    )


def not_supported() -> str:
    """Refuse a method that an ACS of ours has not: fault 8000."""
    return (
        "<soap-env:Fault><faultcode>Server</faultcode><faultstring>CWMP fault</faultstring>"
        "<detail><cwmp:Fault><FaultCode>8000</FaultCode><FaultString>Method not supported"
        "</FaultString></cwmp:Fault></detail></soap-env:Fault>"
    )


def get_values(names: Sequence[str]) -> str:
    """Ask for the values of parameters."""
    told = "".join(f"<string>{escape(_name(name))}</string>" for name in names)
    return (
        "<cwmp:GetParameterValues>"
        f'<ParameterNames soap-enc:arrayType="xsd:string[{len(names)}]">{told}</ParameterNames>'
        "</cwmp:GetParameterValues>"
    )


def set_values(values: Iterable[Value], key: str) -> str:
    """Set parameters, all or none, and the key by which the box proves it."""
    told = [
        f"<ParameterValueStruct><Name>{escape(_name(name))}</Name>"
        f'<Value xsi:type="xsd:{kind}">{escape(text)}</Value></ParameterValueStruct>'
        for name, kind, text in values
    ]
    return (
        "<cwmp:SetParameterValues><ParameterList"
        f' soap-enc:arrayType="cwmp:ParameterValueStruct[{len(told)}]">{"".join(told)}'
        f"</ParameterList><ParameterKey>{escape(_key(key))}</ParameterKey>"
        "</cwmp:SetParameterValues>"
    )


def reboot(key: str) -> str:
    """Ask for a restart, which is told again with this key."""
    return f"<cwmp:Reboot><CommandKey>{escape(_key(key))}</CommandKey></cwmp:Reboot>"


def factory_reset() -> str:
    """Ask the box to forget everything."""
    return "<cwmp:FactoryReset/>"


def boolean(*, is_true: bool) -> str:
    """Word a truth value as every box takes it."""
    return "1" if is_true else "0"


def truth(text: str) -> bool | None:
    """Read a truth value as any box writes it; None where it is none."""
    return _TRUTHS.get(text.strip().lower())


_TRUTHS: Mapping[str, bool] = {"1": True, "true": True, "0": False, "false": False}


def _key(key: str) -> str:
    if len(key) > KEY_CHARS_MAX:
        raise ValueError(f"a key has at most {KEY_CHARS_MAX} characters")
    return key


def _name(name: str) -> str:
    if not 0 < len(name) <= NAME_CHARS_MAX:
        raise ValueError(f"a name has 1 to {NAME_CHARS_MAX} characters")
    return name
