"""The tables of provisioning. What is written in them is the business of the files beside this one.

`target`, `route` and `target_ref` are the operator's. `wish`, `wish_problem` and `observed` can be
deleted and come back; `service_order`, `drift` and `darkening` are the journal of what was done.
`operation` and `errand` see to it that what is asked for once is done once, `target_share` and
`target_turn` that workers keep out of each other's way, `target_meter` that no usage is left out.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, text

from runtime.store import Instant, metadata

target = Table(
    "target",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("options", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    # Rises whenever the operator changes the row, so that every process opens it anew.
    Column("version", Integer, nullable=False),
    Column("in_flight_max", Integer, nullable=False),
    # Its rate: a call may be made every so many microseconds.
    Column("call_every_us", BigInteger),
    Column("drift_policy", String(16), nullable=False),
    Column("guard_share_percent", Integer, nullable=False),
    Column("guard_floor", Integer, nullable=False),
    # The models of boxes it drives, as a JSON list; empty for a target with accounts.
    Column("models", Text, nullable=False, server_default="[]"),
    # The breaker: open while `down_since` is set.
    Column("down_since", Instant),
    Column("down_reason", Text),
    Column("probes", Integer, nullable=False, server_default="0"),
    Column("probe_at", Instant),
    # Refused credentials park the whole target.
    Column("parked_at", Instant),
    Column("parked_reason", Text),
    # How fast the target said it wants to be asked.
    Column("throttled_until", Instant),
    Column("pace", Integer),
    Column("paced_at", Instant),
)

route = Table(
    "route",
    metadata,
    Column("code", String(64), primary_key=True),
    Column("target", String(32), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("target_code", String(80), primary_key=True),
)

target_ref = Table(
    "target_ref",
    metadata,
    # An empty target means every target that has no row of its own.
    Column("target", String(32), primary_key=True),
    Column("service", String(40), primary_key=True),
    Column("ref", String(64), nullable=False),
    Index("uq_target_ref_target_ref", "target", "ref", unique=True),
    Index(None, "service"),
)

wish = Table(
    "wish",
    metadata,
    # Whom it is for: the service itself, or one box of it.
    Column("subject", String(40), primary_key=True),
    Column("target", String(32), primary_key=True),
    # Whose household it is; of a box that nobody holds, whose it was last.
    Column("service", String(40), nullable=False, index=True),
    Column("ref", String(64), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("value", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("cause", String(160), nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index(None, "target", "ref"),
)

wish_problem = Table(
    "wish_problem",
    metadata,
    Column("service", String(40), primary_key=True),
    # Empty where the problem concerns no single target.
    Column("target", String(32), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
)

observed = Table(
    "observed",
    metadata,
    Column("subject", String(40), primary_key=True),
    Column("target", String(32), primary_key=True),
    Column("value", Text, nullable=False),
    # The wish's revision this was seen to fulfil; 0 where it was seen to differ.
    Column("revision", BigInteger, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Index(None, "target", "enabled"),
)

service_order = Table(
    "service_order",
    metadata,
    # Sorts by the time it was made.
    Column("id", String(40), primary_key=True),
    Column("service", String(40), nullable=False),
    Column("target", String(32), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("cause", String(160), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("error", Text),
    Index(None, "service", "id"),
)

# What was asked for once must not be done twice.
operation = Table(
    "operation",
    metadata,
    Column("request", String(160), primary_key=True),
    Column("order_id", String(40), nullable=False),
)

# What is to be done once at a box that calls us, by whoever it reaches.
errand = Table(
    "errand",
    metadata,
    # Sorts by the time it was made.
    Column("id", String(40), primary_key=True),
    Column("target", String(32), nullable=False),
    Column("ref", String(64), nullable=False),
    Column("request", String(160), nullable=False, unique=True),
    Column("name", String(40), nullable=False),
    Column("params", Text, nullable=False),
    # By which a box tells that it has restarted; empty where it will remember nothing.
    Column("key", String(40), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("error_kind", String(20), nullable=False),
    Column("error", Text, nullable=False),
    Column("not_after", Instant, nullable=False),
    Column("begun_at", Instant),
    Column("ended_at", Instant),
    Index(None, "target", "ref"),
    Index(None, "target", "stage", "ended_at"),
)

drift = Table(
    "drift",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("target", String(32), nullable=False),
    Column("ref", String(160), nullable=False),
    Column("subject", String(40)),
    Column("kind", String(16), nullable=False),
    Column("fields", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
    # The start of the last scan that saw it.
    Column("scan_at", Instant, nullable=False),
    Column("repaired_at", Instant),
    Index(
        "uq_drift_open",
        "target",
        "ref",
        unique=True,
        sqlite_where=text("repaired_at IS NULL"),
        postgresql_where=text("repaired_at IS NULL"),
    ),
    Index(None, "target", "found_at"),
)

drift_scan = Table(
    "drift_scan",
    metadata,
    Column("target", String(32), primary_key=True),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("seen", Integer, nullable=False),
    Column("differing", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("orphans", Integer, nullable=False),
    Column("duplicates", Integer, nullable=False),
    Column("error", Text),
)

darkening = Table(
    "darkening",
    metadata,
    Column("target", String(32), primary_key=True),
    Column("subject", String(40), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "target", "verdict", "at"),
)

# How much of a target's limit each worker wants and may have under way, until its lease is over.
target_share = Table(
    "target_share",
    metadata,
    Column("target", String(32), primary_key=True),
    Column("worker", BigInteger, primary_key=True),
    Column("wanted", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
)

# Until when the turns of a target with a rate are taken, by the database's clock.
target_turn = Table(
    "target_turn",
    metadata,
    Column("target", String(32), primary_key=True),
    Column("taken_until", BigInteger, nullable=False),
)

# How far the usage that a target tells was read, and what of it could not be taken.
target_meter = Table(
    "target_meter",
    metadata,
    Column("target", String(32), primary_key=True),
    Column("cursor", String(200), nullable=False),
    Column("read_at", Instant, nullable=False),
    Column("told", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    # Why the last one that was refused was.
    Column("reason", Text),
)
