"""Where a request comes from: this machine, a proxy of ours that speaks for somebody, elsewhere.

A proxy is believed where the settings say it is, and only the last thing it added.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from aiohttp import web

from app.settings import Settings
from runtime.networks import Networks

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")
# Who has one IPv6 address has these many bits of them.
_OF_ONE_V6 = 64


def is_local(request: web.Request) -> bool:
    """Whether a program on this very machine asks for a name of this very machine."""
    peer = _peer(request)
    if not peer or any(name in request.headers for name in _PROXY_HEADERS):
        return False
    host = request.headers.get("Host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return ip_address(peer).is_loopback and name.lower() in _LOCAL_NAMES


def is_private(request: web.Request, settings: Settings) -> bool:
    """Whether nobody between the browser and us can listen: the same machine, or TLS at a proxy."""
    if is_local(request):
        return True
    return _is_spoken_for(request, settings) and _last(request, "X-Forwarded-Proto") in {
        "https",
        "",
    }


def may_sign_in(request: web.Request, settings: Settings) -> bool:
    """Whether a sign-in would stay between the browser and us, or the operator gave that up."""
    return settings.insecure_cookies or is_private(request, settings)


def is_by_tls(request: web.Request, settings: Settings) -> bool:
    """Whether a proxy of ours says that the browser came by TLS."""
    is_told = _last(request, "X-Forwarded-Proto") == "https"
    return is_told and _is_spoken_for(request, settings)


def address(request: web.Request, settings: Settings) -> str:
    """Tell from which address somebody asks; of IPv6 the network that one household has."""
    found = _last(request, "X-Forwarded-For") if _is_spoken_for(request, settings) else ""
    try:
        ip = ip_address(found or _peer(request))
    except ValueError:
        return "unknown"
    if isinstance(ip, IPv6Address):
        ip = ip.ipv4_mapped or ip
    return str(ip_network((ip, _OF_ONE_V6), strict=False) if isinstance(ip, IPv6Address) else ip)


def _is_spoken_for(request: web.Request, settings: Settings) -> bool:
    is_told = "X-Forwarded-For" in request.headers
    return is_told and _peer(request) in Networks(settings.proxy_networks)


def _peer(request: web.Request) -> str:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return str(peer[0]) if peer else ""


def _last(request: web.Request, header: str) -> str:
    """Give the last of the values that several proxies put into a header."""
    return ",".join(request.headers.getall(header, [])).rpartition(",")[2].strip().lower()
