"""Where Alembic enters. The connection and its lock come from `runtime.store.migrate`."""

from alembic import context

from runtime.store.migrate import run_in

run_in(context)
