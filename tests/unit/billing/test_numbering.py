"""Numbers: no gap in any series that issued documents bear, whatever is switched or rolled back."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from billing.invoicing.numbering import (
    Counters,
    Outcome,
    Scope,
    Taking,
    gaps,
    label,
    numbers,
    series,
)


@given(st.lists(st.sampled_from("abc"), max_size=30))
def test_both_series_count_every_document(accounts):
    """Whenever the scope is switched, the next number is one behind the newest of that scope."""
    counters = Counters()
    for n, account in enumerate(accounts, start=1):
        counters = counters.count(account)
        assert counters.newest(account, Scope.ENTITY) == n
        assert counters.newest(account, Scope.ACCOUNT) == accounts[:n].count(account)


@given(st.lists(st.sampled_from(Outcome), max_size=30))
def test_a_number_of_a_document_leaves_no_gap(outcomes):
    """Taken with its document a number comes back; taken apart it is lost, and none is doubled."""
    with_caller, apart = (numbers(outcomes, taking) for taking in Taking)
    assert gaps(with_caller) == []
    assert len(with_caller) == len(apart) == outcomes.count(Outcome.COMMITTED)
    assert apart == [n for n, one in enumerate(outcomes, start=1) if one is Outcome.COMMITTED]
    assert sorted({*apart, *gaps(apart)}) == list(range(1, max(apart, default=0) + 1))


def test_what_may_lose_numbers_is_for_drafts():
    """Where nobody waits for a number one may be lost, so no issued document bears it."""
    for taking in Taking:
        assert taking.serialises is not taking.is_for_drafts_only


def test_a_number_shows_its_series():
    """By account or by month, three digits at least."""
    on = date(2023, 10, 5)
    assert label(series("A", Scope.ACCOUNT, "002", on), 7) == "A-002-007"
    assert label(series("A", Scope.ENTITY, "002", on), 1234) == "A-202310-1234"
