"""How far an invoice is follows from what is owed and what was decided, step by step."""

from hypothesis import given
from hypothesis import strategies as st

from billing.payments.standing import MAY_FOLLOW, InvoiceState, state_of
from terms.money import Money

steps = st.lists(
    st.tuples(st.sampled_from(("pay", "back", "void", "write_off")), st.integers(1, 120)),
    max_size=12,
)


def test_every_state_has_its_followers():
    """The table names each state once, and void is the end."""
    assert set(MAY_FOLLOW) == set(InvoiceState)
    assert MAY_FOLLOW[InvoiceState.VOID] == {InvoiceState.VOID}
    assert all(InvoiceState.DRAFT not in after for after in MAY_FOLLOW.values())


@given(total=st.integers(0, 100), steps=steps)
def test_no_deed_leads_out_of_the_table(total: int, steps: list[tuple[str, int]]):
    """Whatever is paid, given back, voided or written off: each state is one that may follow."""
    owed, is_void, is_written_off = total, False, False
    before = InvoiceState.DRAFT

    def now() -> InvoiceState:
        return state_of(
            Money(total, "EUR"),
            Money(owed, "EUR"),
            is_void=is_void,
            is_written_off=is_written_off,
        )

    after = now()
    assert after in MAY_FOLLOW[before]
    for deed, amount in steps:
        before = after
        if deed == "pay" and not is_void:
            owed = max(owed - amount, 0)
        elif deed == "back" and not is_void:
            owed = min(owed + amount, total)
        elif deed == "void":
            owed, is_void = 0, True
        elif deed == "write_off" and owed:
            owed, is_written_off = 0, True
        after = now()
        assert after in MAY_FOLLOW[before], (deed, before, after)
        if after is InvoiceState.PAID:
            assert not owed
        if after in {InvoiceState.FINALISED, InvoiceState.PARTLY_PAID}:
            assert owed
