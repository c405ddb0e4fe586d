"""What every box has in common, whatever it speaks: addresses, texts, secrets that change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters import boxes
from gateway.adapters.sdk import Access
from terms.errors import Permanent, Retryable


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("10.0.0.7", ("10.0.0.7", 22)),
        ("10.0.0.7:", ("10.0.0.7", 22)),
        ("10.0.0.7:2222", ("10.0.0.7", 2222)),
        ("box-7.example:1", ("box-7.example", 1)),
        ("[2001:db8::7]:65535", ("2001:db8::7", 65535)),
        ("[2001:db8::7]", ("2001:db8::7", 22)),
        ("2001:db8::7", ("2001:db8::7", 22)),
        ("::ffff:10.0.0.7", ("::ffff:10.0.0.7", 22)),
    ],
)
def test_an_address_is_a_host_and_a_port(address: str, place: tuple[str, int]) -> None:
    """IPv4, a name, or IPv6 in brackets where a port follows."""
    assert boxes.place_of(address, 22) == place


@pytest.mark.parametrize(
    "address",
    [
        *("", ":22", "box; id", "10.0.0.7:0", "10.0.0.7:65536", "10.0.0.7:-1"),
        *("10.0.0.7:22:22", "10.0.0.7:٢٢", "[::1", "::1]", "[]:22", "[::1]:x", "[::1]22", ":::"),
        *("fe80::1%eth0", "[fe80::1%1]:22", "user@10.0.0.7", "http://10.0.0.7", "10.0.0.7/8"),
    ],
)
def test_what_is_no_address_is_refused_for_good(address: str) -> None:
    """Nothing is sent, and nothing is guessed."""
    with pytest.raises(Permanent) as caught:
        boxes.place_of(address, 22)
    assert caught.value.is_untouched


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    """No text ends in another error."""
    try:
        host, port = boxes.place_of(text, 161)
    except Permanent:
        return
    assert host.isascii()
    assert 0 < port <= boxes.PORT_MAX


def test_packages_are_read_however_they_are_spaced() -> None:
    """Blanks around a code and empty places are no part of a list."""
    assert boxes.packages_of("basic, sport ,, hd ") == {"basic", "sport", "hd"}
    assert boxes.packages_of(" ") == frozenset()


def test_what_is_neither_on_nor_off_is_asked_again() -> None:
    """A box that answers nonsense is not taken for dark."""
    for active in ("", "2", "true", "01"):
        with pytest.raises(Retryable):
            boxes.state_of("RB1", active=active, packages="", revision="")


def test_a_box_that_took_its_new_secrets_has_them_instead() -> None:
    """Names without a new secret stay; where nothing changes there is nothing to try."""
    old = {"username": "ada", "auth_key": "a", "priv_key": "b"}
    assert boxes.renewed(Access(secrets=old)) is None
    both = Access(address="10.0.0.7", secrets={**old, "next_priv_key": "c"})
    fresh = boxes.renewed(both)
    assert fresh == Access(address="10.0.0.7", secrets={**old, "priv_key": "c"})
