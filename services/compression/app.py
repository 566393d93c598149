"""Wiring."""

from aiohttp import web

from services.chassis.application import create_service
from services.chassis.cpu_meter import in_thread
from services.chassis.postgres import use_postgres
from services.chassis.routes import add_route
from services.compression.codings import CODINGS
from services.compression.encoder import Encoder
from services.compression.naive import naive
from services.compression.observer import OBSERVER, MetricsObserver
from services.compression.optimized import ENCODERS, optimized
from services.compression.payload import keep_posts
from services.compression.static import PATH, load_files, static
from services.compression.streamed import streamed
from services.compression.technique import TECHNIQUE
from services.settings import Settings

#: What a variant has to offer, in the server's order of preference.
OFFERED = {"optimized": tuple(CODINGS), "zstd": ("zstd",), "br": ("br",), "gzip": ("gzip",)}


def create(settings: Settings) -> web.Application:
    handlers = {"naive": naive, "streamed": streamed, **dict.fromkeys(OFFERED, optimized)}
    application = create_service(TECHNIQUE, settings, handlers)
    add_route(application, "GET", PATH, "static", static)
    observer = application[OBSERVER] = MetricsObserver(application)
    application[ENCODERS] = {
        variant: Encoder(offered, in_thread, observer) for variant, offered in OFFERED.items()
    }
    use_postgres(application, settings)
    application.cleanup_ctx.extend([keep_posts, load_files])
    return application
