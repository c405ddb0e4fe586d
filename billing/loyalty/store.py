"""Tables of loyalty: the program, balances, points that only grow, who brought whom."""

from __future__ import annotations

import json

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    select,
)

from billing.loyalty.model import Program, Tier
from runtime.store import Instant, Tx, metadata
from terms.money import NO_CURRENCY, Money, Rate

loyalty_program = Table(
    "loyalty_program",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("referral_minor", BigInteger),
    Column("currency", String(3)),
    Column("months", Integer, nullable=False),
    Column("tiers", Text, nullable=False),
)

# The members, each with the sum of its points: never below nothing, however many spend at once.
loyalty = Table(
    "loyalty",
    metadata,
    Column("account_id", String(26), ForeignKey("account.id"), primary_key=True),
    Column("points", BigInteger, nullable=False),
    Column("joined_at", Instant, nullable=False),
    # Movements that were settled before it have their points.
    Column("seen_at", Instant, nullable=False),
    CheckConstraint("points >= 0", name="points"),
)

point_entry = Table(
    "point_entry",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account_id", String(26), ForeignKey("loyalty.account_id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("points", BigInteger, nullable=False),
    # The movement and how manieth row of it, what points were spent for, the day they expired.
    Column("cause", String(80), nullable=False),
    # Of what is earned or taken back: the charge whose money it is for, with its provider.
    Column("charge", String(170), nullable=False),
    Column("expires_on", Date),
    # What the whole of the charge has earned, by the tier of its time.
    Column("earned", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("account_id", "kind", "cause"),
    CheckConstraint("points <> 0", name="points"),
    Index(None, "account_id"),
)

referral_code = Table(
    "referral_code",
    metadata,
    Column("code", String(40), primary_key=True),
    Column("account_id", String(26), ForeignKey("account.id"), nullable=False, unique=True),
)

referral = Table(
    "referral",
    metadata,
    # A household is brought once.
    Column("referred_id", String(26), ForeignKey("account.id"), primary_key=True),
    Column("referrer_id", String(26), ForeignKey("account.id"), nullable=False),
    Column("referred_at", Instant, nullable=False),
    Column("rewarded_at", Instant),
    # Ids sort by when they were made: who came later cannot have brought who was there, and so
    # nobody brings itself, and no circle closes.
    CheckConstraint("referrer_id < referred_id", name="referrer_id"),
    Index(None, "referrer_id"),
)


async def load_program(tx: Tx) -> Program:
    """Read the published program; one that gives nothing where none was published."""
    found = await tx.first(select(loyalty_program).where(loyalty_program.c.id == 1))
    if found is None:
        return Program()
    minor = found.referral_minor
    return Program(
        referral=None if minor is None else Money(minor, found.currency),
        months=found.months,
        tiers=tuple(
            Tier(name=name, from_minor=from_minor, earns=Rate(ppm))
            for name, from_minor, ppm in json.loads(found.tiers)
        ),
        currency=found.currency or NO_CURRENCY,
    )


async def keep_program(tx: Tx, program: Program) -> None:
    """Publish another program."""
    gift = program.referral
    said = {
        "id": 1,
        "referral_minor": gift.amount_minor if gift else None,
        "currency": gift.currency if gift else program.currency,
        "months": program.months,
        "tiers": json.dumps([[t.name, t.from_minor, t.earns.ppm] for t in program.tiers]),
    }
    await tx.upsert(loyalty_program, [said], key=("id",))
