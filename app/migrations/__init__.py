"""The one ordered stream of schema changes, both engines, up and down; written by hand."""

from pathlib import Path

LOCATION = Path(__file__).parent
