"""Whose wallet rules say that he pays ahead."""

from app.imports.dunning_rules import Dunning, segments_of


def test_a_segment_with_a_wallet_of_its_own_pays_ahead():
    """What stands in [dunning.wallet] holds for all others, too, and says nothing of the kind."""
    told = Dunning.model_validate(
        {
            "wallet": {"low": "5.00", "renewal_days": 3},
            "segments": {"prepaid": {"wallet": {"renewal_days": 5}}, "hotels": {"least": "1.00"}},
        }
    )
    found = {name: one.wallet for name, one in segments_of(told, "EUR").each.items()}
    days = {name: one and (one.renewal_days, one.is_prepaid) for name, one in found.items()}
    assert days == {"": (3, False), "prepaid": (5, True), "hotels": (3, False)}
