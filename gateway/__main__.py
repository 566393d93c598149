"""Serve the gateway: `python -m gateway`."""

import argparse

from gateway.app import create
from services.chassis.serve import run

DEFAULT_PORT = 8080


def main() -> None:
    argparse.ArgumentParser(
        prog="python -m gateway",
        description="One address in front of all services. Settings are LAB_* variables:"
        " see services/settings.py.",
    ).parse_args()
    run(create, DEFAULT_PORT, decode_bodies=False)


if __name__ == "__main__":
    main()
