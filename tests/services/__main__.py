"""`python -m tests.services FOLDER`: a PostgreSQL for whoever started this, as long as that lives.

Its address appears in FOLDER/postgres.url. The benchmarks ask here, as they import no tests.
"""

import os
import sys
from pathlib import Path

from tests.services.binaries import MISSING, find_postgres
from tests.services.keeper import ClusterError, keep


def main() -> None:
    """Run a cluster until the process that asked for it is gone."""
    found = find_postgres()
    if found is None:
        sys.exit(MISSING)
    try:
        keep(found.installation, Path(sys.argv[1]), os.getppid())
    except ClusterError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
