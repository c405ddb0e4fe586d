"""Runs a file of published vectors: `python -m tests.vectors FILE`."""

import sys
from pathlib import Path

from tests.vectors.run import main

if __name__ == "__main__":
    sys.exit(main([Path(word) for word in sys.argv[1:]]))
