"""The states of a box, the forms of serials: what can be, and what a typing person is told."""

from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.inventory import models, secrets
from gateway.inventory.model import (
    ALLOWED,
    IN_WORDS,
    Resource,
    ResourceState,
    checked_place,
    implausible,
    moved,
    shifted,
)
from gateway.inventory.models import BoxModel
from gateway.inventory.serials import SerialCheck, serial_problem
from terms.errors import Invalid, InvalidTransition
from terms.ids import ResourceId, ServiceId
from terms.luhn import passes_luhn

S = ResourceState
# Written out by hand: what may follow what in a box's life.
LIFE = {
    (S.IN_STOCK, S.ASSIGNED),
    (S.IN_STOCK, S.LOST),
    (S.IN_STOCK, S.SCRAPPED),
    (S.ASSIGNED, S.ACTIVE),
    (S.ASSIGNED, S.RETURNED),
    (S.ASSIGNED, S.LOST),
    (S.ACTIVE, S.RETURNED),
    (S.ACTIVE, S.LOST),
    (S.RETURNED, S.IN_STOCK),
    (S.RETURNED, S.LOST),
    (S.RETURNED, S.SCRAPPED),
    (S.LOST, S.RETURNED),
    (S.LOST, S.SCRAPPED),
}
RB = BoxModel(model="RB-1", serial_check=SerialCheck.LUHN, serial_prefix="RB")
RB1 = {"RB-1": RB}


def box(state: ResourceState, place: str = "warehouse") -> Resource:
    """Make a box in a state."""
    service = ServiceId("S1") if state in {S.ASSIGNED, S.ACTIVE} else None
    return Resource(
        id=ResourceId("R"), serial="RB1", model="RB-1", state=state, service=service, place=place
    )


@pytest.mark.parametrize(("before", "after"), list(product(S, S)))
def test_every_pair_of_states_is_allowed_or_refused(before, after):
    """What the table allows is done and counted; everything else is refused with a way on."""
    if (before, after) in LIFE:
        done = moved(box(before), after, service=None, place="here")
        assert (done.state, done.place, done.moves) == (after, "here", 1)
        return
    with pytest.raises(InvalidTransition, match=f"is {IN_WORDS[before]}: "):
        moved(box(before), after, service=None, place="here")


def test_nothing_comes_back_from_the_scrap():
    """Every state but the last has a way on, and every state can be reached."""
    assert {state for state in S if not ALLOWED[state]} == {S.SCRAPPED}
    assert {after for _, after in LIFE} == set(S)


@pytest.mark.parametrize("state", list(S))
def test_only_what_is_on_a_shelf_is_moved(state):
    """In stock or returned it may go elsewhere; with a household, lost or scrapped it may not."""
    if state in {S.IN_STOCK, S.RETURNED}:
        assert shifted(box(state), "van").place == "van"
        return
    with pytest.raises(InvalidTransition):
        shifted(box(state), "van")


def test_a_technician_takes_from_his_own_stock():
    """What lies elsewhere, or is no stock at all, is refused with a sentence; an owner may."""
    assert implausible(box(S.IN_STOCK, "ben"), "ben") == ""
    assert implausible(box(S.IN_STOCK, "ben"), None) == ""
    told = implausible(box(S.IN_STOCK, "warehouse"), "ben")
    assert told.startswith("box RB1 is in stock at warehouse, not in yours")
    assert "note it as found first" in implausible(box(S.LOST), None)


def test_a_place_is_a_short_text():
    """No more than a label holds, and nothing a terminal would obey."""
    assert checked_place(" van 7 ") == "van 7"
    for wrong in ("x" * 81, "a\x1b"):
        with pytest.raises(Invalid):
            checked_place(wrong)


def with_check_digit(digits: str) -> str:
    """Give the serial that these digits make."""
    return next(f"RB{digits}{last}" for last in "0123456789" if passes_luhn(f"{digits}{last}"))


def problem(serial: str) -> str:
    """Say what is wrong with a serial of the reference box."""
    return serial_problem(serial, prefix="RB", check=SerialCheck.LUHN)


def test_the_check_digit_is_the_one_of_the_standard():
    """7992739871 has the check digit 3, the worked example of ISO/IEC 7812-1."""
    assert passes_luhn("79927398713")
    assert [last for last in "0123456789" if passes_luhn(f"7992739871{last}")] == ["3"]


@given(st.text("0123456789", min_size=7, max_size=7), st.integers(0, 7), st.integers(1, 9))
def test_a_mistyped_digit_is_always_seen(digits, at, by):
    """Whichever digit is wrong, the check digit tells."""
    right = with_check_digit(digits)
    wrong = str((int(right[2 + at]) + by) % 10)
    typed = right[: 2 + at] + wrong + right[3 + at :]
    assert problem(right) == ""
    assert "the check digit of" in problem(typed)


@given(st.text("0123456789", min_size=7, max_size=7), st.integers(0, 6))
def test_exchanged_neighbours_are_seen_and_the_hint_is_never_a_wrong_serial(digits, at):
    """Two digits that changed places are seen (but 0 and 9), and what is proposed can be."""
    right = with_check_digit(digits)
    a, b = right[2 + at], right[3 + at]
    assume(a != b and {a, b} != {"0", "9"})
    typed = right[: 2 + at] + b + a + right[4 + at :]
    told = problem(typed)
    assert "the check digit of" in told
    if "meant?" in told:
        proposed = told.partition("was ")[2].partition(" meant?")[0]
        assert problem(proposed) == ""


def test_where_one_exchange_makes_it_right_it_is_proposed():
    """The technician reads which serial he probably means."""
    assert problem("RB00000018") == ""
    assert problem("RB00000081").endswith("; was RB00000018 meant?")
    assert problem("RB00000108").endswith("two are exchanged")  # two exchanges make it right


@pytest.mark.parametrize(
    ("serial", "told"),
    [
        ("XB00000018", "does not begin with RB: is it another model?"),
        ("RB0000OO18", "has other marks than digits behind 'RB'"),
        ("RB", "has other marks than digits"),
    ],
)
def test_what_is_no_serial_of_the_model_is_told(serial, told):
    """A wrong beginning or a letter among the digits is named."""
    assert told in problem(serial)


def test_models_that_nobody_told_check_nothing():
    """Without models any model and any serial is taken."""
    assert models.problem({}, model="HT-2", serial="x") == ("", "")
    assert models.typed({}, "RB00000001") == ""


def test_a_model_nobody_knows_is_named_with_those_known():
    """The wrong field is the model; a typed serial is checked against all of them."""
    assert models.problem(RB1, model="HT-2", serial="x") == (
        "model",
        "there is no model 'HT-2'; known are RB-1",
    )
    assert "the check digit of RB00000001 is wrong" in models.typed(RB1, "RB00000001")
    assert "no model has serials like X1" in models.typed(RB1, "X1")
    with pytest.raises(Invalid, match="serial: the check digit"):
        models.check(RB1, model="RB-1", serial="RB00000001")


@pytest.mark.parametrize(
    ("values", "field", "told"),
    [
        ({"password": "changeme"}, "password", "a sample that everybody knows"),
        ({"community": "PUBLIC"}, "community", "a sample that everybody knows"),
        ({"auth_key": "short1x"}, "auth_key", "at least 8 characters"),
        ({"username": "cpe-77", "password": "cpe-77"}, "password", "the user name itself"),
        ({"password": "a\nb"}, "password", "printable characters"),
        ({"nosuch": "cAnArY"}, "nosuch", "unknown; known are username"),
    ],
)
def test_a_secret_nobody_should_use_is_refused_without_being_shown(values, field, told):
    """The name of the secret is in the message, its value is not."""
    with pytest.raises(Invalid) as caught:
        secrets.check(values)
    assert (caught.value.field, told in str(caught.value)) == (field, True)
    assert "cAnArY" not in str(caught.value)
