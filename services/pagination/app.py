"""Assembles the service: the three variants, the signer of cursors, and the connection pool."""

import logging
import secrets

from aiohttp import web

from services.chassis.application import create_service
from services.chassis.postgres import use_postgres
from services.pagination.naive import naive
from services.pagination.offset import offset
from services.pagination.optimized import optimized
from services.pagination.page_request import SIGNER
from services.pagination.signer import Signer
from services.pagination.technique import TECHNIQUE
from services.settings import Settings

logger = logging.getLogger(__name__)


def create(settings: Settings) -> web.Application:
    handlers = {"naive": naive, "optimized": optimized, "offset": offset}
    application = create_service(TECHNIQUE, settings, handlers)
    application[SIGNER] = Signer(_signing_key(settings))
    use_postgres(application, settings)
    return application


def _signing_key(settings: Settings) -> bytes:
    secret = settings.cursor_secret.get_secret_value()
    if secret:
        return secret.encode()
    logger.warning(
        "LAB_CURSOR_SECRET is empty: links to pages are valid only until this process ends;"
        " set it to share links between processes"
    )
    return secrets.token_bytes(32)
