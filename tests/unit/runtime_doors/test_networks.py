"""Which addresses are open is decided on the address a socket connects to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.networks import LOOPBACK, PRIVATE, PUBLIC_ONLY, Networks
from terms.errors import Invalid

ANYWHERE = "0.0.0.0"  # noqa: S104 - nobody binds it
SPECIAL = [
    ANYWHERE,
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.31.255.255",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.7",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a00:1",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fe80::1",
    "fe80::1%lo",
    "ff02::1",
    "not an address",
    "",
]
PUBLIC_ADDRESSES = ["1.1.1.1", "93.184.216.34", "::ffff:1.1.1.1", "2606:4700:4700::1111"]


@pytest.mark.parametrize("address", SPECIAL)
def test_a_special_address_is_not_public(address):
    """No address of the special-purpose registries counts as public, however it is written."""
    assert address not in Networks(PUBLIC_ONLY)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_the_internet_is_public(address):
    """Ordinary addresses of the internet are public, and are neither loopback nor private."""
    assert address in Networks(PUBLIC_ONLY)
    assert address not in Networks([*LOOPBACK, *PRIVATE])


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_this_machine(address):
    """The loopback ranges hold every way to write this machine's inner addresses."""
    assert address in Networks(LOOPBACK)
    assert address not in Networks(PRIVATE)


@pytest.mark.parametrize("address", [ANYWHERE, "::", "224.0.0.1", "ff02::1"])
def test_no_list_opens_the_unspecified_address(address):
    """Not even the list of everything opens 0.0.0.0, which is this machine, or a multicast."""
    assert address not in Networks(["0.0.0.0/0", "::/0"])


def test_an_empty_list_opens_nothing():
    """Without a range no address is open."""
    assert not any(address in Networks([]) for address in [*SPECIAL, *PUBLIC_ADDRESSES])


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "lan", "Public", "10.0.0.0-10.1"])
def test_a_wrong_range_is_named(text):
    """A range that cannot be read is refused with its own text."""
    with pytest.raises(Invalid, match="networks") as caught:
        Networks([text])
    assert text in str(caught.value)


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_judged_as_its_ipv4(ip):
    """An IPv4 address inside IPv6 is open exactly where the IPv4 address is."""
    for networks in (Networks(PUBLIC_ONLY), Networks(PRIVATE), Networks(LOOPBACK)):
        assert (str(ip) in networks) == (f"::ffff:{ip}" in networks)
