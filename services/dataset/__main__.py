"""Load the data set: `python -m services.dataset`."""

import argparse
import logging

import psycopg2

from services.chassis.serve import CannotStart, configure_logging, exit_with_error
from services.dataset.bulk_load import load
from services.settings import InvalidSettings, load_settings

logger = logging.getLogger(__name__)


def main() -> None:
    argparse.ArgumentParser(
        prog="python -m services.dataset",
        description="Load the data set named by LAB_DATASET_SIZE (small, medium, large) and"
        " LAB_DATASET_SEED into PostgreSQL. Does nothing if that data set is loaded already.",
    ).parse_args()
    try:
        settings = load_settings()
        configure_logging(settings)
        if not load(settings):
            logger.info("the %s data set is loaded already", settings.dataset_size)
    except InvalidSettings as error:
        exit_with_error(error)
    except psycopg2.Error as error:
        exit_with_error(CannotStart(f"cannot load the data set: {str(error).strip()}"))


if __name__ == "__main__":
    main()
