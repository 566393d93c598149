"""Health routes: `/healthz` (the process is alive) and `/readyz` (its dependencies are ready)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from time import perf_counter

import orjson
from aiohttp import web

from services.chassis.errors import RETRY_AFTER_SECONDS

#: Fails if it raises, or if it takes longer than CHECK_TIMEOUT_SECONDS.
Check = Callable[[], Awaitable[object]]
CHECK_TIMEOUT_SECONDS = 2.0

#: The readiness check of each dependency, by its name.
CHECKS = web.AppKey("checks", dict[str, Check])


async def _healthz(request: web.Request) -> web.Response:
    return web.json_response({"status": "alive"})


async def _readyz(request: web.Request) -> web.Response:
    checks = request.app[CHECKS]
    results = await asyncio.gather(*(_result(check) for check in checks.values()))
    ready = all(result["ok"] for result in results)
    document = {
        "status": "ready" if ready else "not ready",
        "dependencies": dict(zip(checks, results, strict=True)),
    }
    return web.Response(
        status=200 if ready else 503,
        body=orjson.dumps(document),
        content_type="application/json",
        headers={} if ready else {"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


async def _result(check: Check) -> dict[str, object]:
    started = perf_counter()
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            await check()
    except Exception as error:  # noqa: BLE001 - any exception of a driver means not ready
        return {"ok": False, "error": type(error).__name__}
    return {"ok": True, "milliseconds": round((perf_counter() - started) * 1e3, 3)}


def health_routes() -> Iterable[web.RouteDef]:
    return [
        web.get("/healthz", _healthz),
        web.get("/readyz", _readyz),
    ]
