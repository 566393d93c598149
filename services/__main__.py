"""Serve one technique: `python -m services NAME`."""

import argparse
import importlib

from services.catalog import BY_NAME
from services.chassis.serve import run


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m services",
        description="Serve one technique. Settings are LAB_* variables;"
        " services/settings.py lists them.",
    )
    parser.add_argument(
        "technique", choices=tuple(BY_NAME), metavar="NAME", help=", ".join(BY_NAME)
    )
    technique = BY_NAME[parser.parse_args().technique]
    # The only dynamic import. The catalog must not import the code of a technique.
    application = importlib.import_module(f"services.{technique.package}.app")
    run(application.create, technique.port)


if __name__ == "__main__":
    main()
