"""`python -m tests.services FOLDER`: databases for whoever started this, as long as that lives.

The addresses appear in FOLDER/postgres.url, and FOLDER/redis.url before it. The benchmarks ask
here, as they import no tests.
"""

import os
import sys
from pathlib import Path

from tests.services.binaries import MISSING, find_postgres
from tests.services.keeper import LASTING, ClusterError, keep
from tests.services.redis import MISSING as NO_REDIS
from tests.services.redis import RedisServer, find_redis


def main() -> None:
    """Run a cluster and a Redis until the process that asked for them is gone."""
    found, program = find_postgres(), find_redis()
    if found is None:
        sys.exit(MISSING)
    if program is None:
        sys.exit(NO_REDIS)
    folder = Path(sys.argv[1])
    with RedisServer(program) as redis:
        redis.start()
        (folder / "redis.url").write_text(redis.url, "utf-8")
        try:
            keep(found.installation, folder, os.getppid(), LASTING)
        except ClusterError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
