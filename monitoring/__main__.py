"""Write what Prometheus and Grafana read, or check that it is up to date."""

import argparse
import sys

from monitoring.generation import GENERATED, drift, write


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m monitoring", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 on a difference"
    )
    if not parser.parse_args().check:
        write()
        return
    stale = drift()
    for path in stale:
        print(f"{GENERATED.name}/{path} is not up to date: run `make generate`")  # noqa: T201
    sys.exit(bool(stale))


if __name__ == "__main__":
    main()
