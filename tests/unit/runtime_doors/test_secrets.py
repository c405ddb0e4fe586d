"""Secrets at rest: what opens them, what does not, and what a thief of the database sees."""

import multiprocessing
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from app.settings import Settings
from runtime.secrets import (
    KEY_FILE,
    SealBroken,
    Sealer,
    keys_of,
    new_master_key,
    parse_keys,
    same,
    token_hash,
)
from terms.errors import Invalid

CANARY = "cAnArY-7731"
PLACE = "target/options/north"
ONE, TWO = parse_keys(new_master_key() + "," + new_master_key())
SEALER = Sealer([ONE])
SEALED = SEALER.seal(CANARY, place=PLACE)


@given(st.text(), st.text())
def test_what_is_sealed_opens_in_its_place(text, place):
    """Any text comes back in the place it was sealed for."""
    assert SEALER.open(SEALER.seal(text, place=place), place=place) == text


def test_a_sealed_secret_shows_nothing():
    """Neither the content nor its repetition can be seen; it is printable and names its key."""
    first, second = (SEALER.seal(CANARY, place=PLACE) for _ in range(2))
    assert CANARY not in first
    assert first.split(".")[2:] != second.split(".")[2:]
    assert first.startswith(f"bx1.{SEALER.key_id}.")
    assert first.isascii()
    assert first.isprintable()


def test_a_secret_opens_nowhere_else():
    """A sealed secret that is copied to another row does not open there."""
    sealed = SEALER.seal(CANARY, place=PLACE)
    with pytest.raises(SealBroken, match="another place, or was changed") as caught:
        SEALER.open(sealed, place="target/options/south")
    assert CANARY not in str(caught.value)


@given(st.data())
def test_a_changed_secret_does_not_open(data):
    """Changing any single character of a sealed secret breaks it."""
    at = data.draw(st.integers(0, len(SEALED) - 1))
    other = data.draw(st.sampled_from("AQgw.-9z").filter(lambda mark: mark != SEALED[at]))
    changed = SEALED[:at] + other + SEALED[at + 1 :]
    try:
        opened = SEALER.open(changed, place=PLACE)
    except SealBroken:
        return
    # The last character of base64 may carry bits that mean nothing.
    assert opened == CANARY
    assert at + 1 in {len(SEALED), SEALED.rindex(".")}


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "a.b.c.d", "bx1.é.é.é", "bx1....", CANARY])
def test_what_was_never_sealed_does_not_open(text):
    """Plain text where a sealed secret should be is an error that does not repeat it."""
    with pytest.raises(SealBroken) as caught:
        SEALER.open(text, place=PLACE)
    assert CANARY not in str(caught.value)


def test_another_master_key_does_not_open():
    """Without its master key a secret stays shut, and the error names the key that is missing."""
    with pytest.raises(SealBroken, match=SEALER.key_id):
        Sealer([TWO]).open(SEALER.seal(CANARY, place=PLACE), place=PLACE)


def test_master_keys_change_without_a_gap():
    """A new first key opens what the old one sealed; resealed secrets need the old one no more."""
    old = SEALER.seal(CANARY, place=PLACE)
    both = Sealer([TWO, ONE])
    assert both.open(old, place=PLACE) == CANARY
    new = both.reseal(old, place=PLACE)
    assert both.reseal(new, place=PLACE) == new
    assert Sealer([TWO]).open(new, place=PLACE) == CANARY
    with pytest.raises(SealBroken):
        SEALER.open(new, place=PLACE)
    with pytest.raises(SealBroken):
        both.reseal(old, place="elsewhere")


# --- where the master key comes from ----------------------------------------------------------


def test_the_first_start_makes_the_key(tmp_path):
    """The key file is made for its owner alone, and the next start finds it."""
    folder = tmp_path / "new" / "data"
    first = keys_of(folder)
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert keys_of(folder) == first
    assert [path.name for path in folder.iterdir()] == [KEY_FILE]
    assert keys_of(tmp_path / "other") != first


def test_two_first_starts_agree(tmp_path):
    """Processes that start together on a new folder all get the same key."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        found = pool.map(keys_of, [tmp_path] * 16, chunksize=1)
    assert all(keys == found[0] for keys in found)


def test_a_given_key_needs_no_file(tmp_path):
    """A key from the settings is used and no file is written."""
    given = Settings(data_dir=tmp_path, master_key=SecretStr(new_master_key()))
    sealed = Sealer.of(given).seal(CANARY, place=PLACE)
    assert Sealer.of(given).open(sealed, place=PLACE) == CANARY
    assert list(tmp_path.iterdir()) == []
    without = Sealer.of(Settings(data_dir=tmp_path))
    with pytest.raises(SealBroken):
        without.open(sealed, place=PLACE)


def test_a_file_may_hold_former_keys(tmp_path):
    """The first line seals, the lines below open what is older."""
    old = Sealer(keys_of(tmp_path)).seal(CANARY, place=PLACE)
    path = tmp_path / KEY_FILE
    path.write_text(f"{new_master_key()}\n{path.read_text('ascii')}", "ascii")
    sealer = Sealer(keys_of(tmp_path))
    assert sealer.open(old, place=PLACE) == CANARY
    assert sealer.reseal(old, place=PLACE) != old


def test_an_open_key_file_is_mentioned(tmp_path, capfd):
    """A key file that others may read is used, and the log says how to mend it."""
    keys = keys_of(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)
    assert keys_of(tmp_path) == keys
    told = capfd.readouterr().err
    assert "master_key.readable_by_others" in told
    assert "chmod 600" in told


@pytest.mark.parametrize("text", ["", " , ", "cAnArY", "cAnArY==", "Y" * 44, "é" * 44, "WA=="])
def test_a_wrong_key_is_refused(text):
    """Text that is no 32 bytes of base64 is refused without being repeated."""
    with pytest.raises(Invalid, match="master_key") as caught:
        parse_keys(text)
    assert "cAnArY" not in str(caught.value)


def test_a_sealer_needs_whole_keys():
    """No key or a short one makes no sealer."""
    for keys in ([], [b"short"], [ONE, b""]):
        with pytest.raises(ValueError, match="32 bytes"):
            Sealer(keys)


# --- comparing and hashing --------------------------------------------------------------------


@given(st.text(), st.text())
def test_same_is_equality(a, b):
    """Comparing in constant time finds what comparing finds, also between text and bytes."""
    assert same(a, b) == (a == b)
    assert same(a, a.encode("utf-8", "surrogatepass"))


def test_a_token_is_kept_as_its_hash():
    """A stored token is SHA-256 in hexadecimal."""
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert token_hash("abc") == expected
