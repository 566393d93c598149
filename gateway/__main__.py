"""Serve the gateway: `python -m gateway`."""

import argparse

from gateway.app import create
from services.chassis.serve import run

DEFAULT_PORT = 8080


def main() -> None:
    argparse.ArgumentParser(
        prog="python -m gateway",
        description="Serve one address in front of all services. Settings are LAB_*"
        " variables; services/settings.py lists them.",
    ).parse_args()
    run(create, DEFAULT_PORT, decode_bodies=False)


if __name__ == "__main__":
    main()
