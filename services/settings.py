"""The settings: every LAB_* variable that any process of the lab reads.

A wrong value or an unknown LAB_* name stops a process at its start. The message is one line that
names the variable and the values that are allowed.
"""

import difflib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "LAB_"
SECRETS_DIRECTORY = Path("/run/secrets")
#: Secrets of one service; the other directory holds secrets that services share.
OWN_SECRETS_DIRECTORY = Path("/run/own-secrets")

Port = Annotated[int, Field(ge=1, le=65_535)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Share = Annotated[float, Field(ge=0, le=1)]
LogRule = Annotated[str, Field(pattern=r"^(/[^:]*:)?(DEBUG|INFO)$")]


class InvalidSettings(Exception):
    """The environment is wrong. The message is one line for the user."""


def _parse_pairs(value: object) -> object:
    """Parse `name=value,name=value`. White space around a pair is ignored."""
    if not isinstance(value, str):
        return value
    pairs = [pair.strip() for pair in value.split(",") if pair.strip()]
    if any("=" not in pair for pair in pairs):
        raise ValueError("write it as name=value,name=value")
    return dict(pair.split("=", 1) for pair in pairs)


class Settings(BaseSettings):
    """All settings and their defaults. Durations are in seconds, sizes in the unit of the name."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    # Any server process
    host: str = "127.0.0.1"
    port: Port | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    request_timeout: Seconds = 30.0
    slow_request: Seconds = 1.0  # requests that take this long or longer are logged with their id
    shutdown_timeout: Seconds = 5.0
    startup_timeout: Seconds = 30.0

    # PostgreSQL
    database_host: str = "127.0.0.1"
    database_port: Port = 5432
    database_name: str = "lab"
    database_user: str = "lab"
    database_password: SecretStr = SecretStr("")
    pool_min: Annotated[int, Field(ge=1, le=1000)] = 8
    pool_max: Annotated[int, Field(ge=1, le=1000)] = 8
    pool_timeout: Seconds = 5.0
    statement_timeout: Seconds = 10.0

    # Connection pooling
    pool_waiting: Annotated[int, Field(ge=1, le=100_000)] = 1000
    pool_check_idle: Seconds = 5.0
    pool_max_idle: Seconds = 300.0
    pool_max_age: Seconds = 1800.0
    pool_leak_after: Seconds = 15.0

    # Redis or Valkey
    redis_host: str = "127.0.0.1"
    redis_port: Port = 6379
    redis_password: SecretStr = SecretStr("")
    redis_timeout: Seconds = 0.2

    # Caching
    cache_lifetime: Seconds = 60.0
    cache_stale_lifetime: Seconds = 30.0  # how long an expired entry is served during a refresh
    cache_absent_lifetime: Seconds = 5.0  # of the entry which says that the item does not exist
    cache_lease: Seconds = 2.0  # the timeout of a load
    cache_epoch_age: Seconds = 0.03  # how long a write waits if it cannot reach Redis
    cache_stale_if_error: bool = True  # serve unverified entries while PostgreSQL is unavailable
    cache_local_lifetime: Seconds = 1.0
    cache_local_megabytes: Annotated[int, Field(ge=1, le=10_000)] = 16

    # Pagination
    cursor_secret: SecretStr = SecretStr("")  # signs page links; if empty, random for each process

    # Asynchronous logging
    log_directory: Path = Path(tempfile.gettempdir())
    log_queue_size: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    log_file_megabytes: Annotated[int, Field(ge=1, le=10_000)] = 64
    log_policy: Literal["block", "drop", "shed"] = "shed"  # Applies when the queue is full.
    log_block_seconds: Seconds = 0.1  # With block: how long a request waits for room.
    log_drain_seconds: Seconds = 3.0  # Time to write queued records at shutdown.
    # The share of requests whose records are kept, by `LEVEL` or `/path:LEVEL`, from 0 to 1
    log_sampling: Annotated[dict[LogRule, Share], NoDecode, BeforeValidator(_parse_pairs)] = {}

    # Gateway and load generator: addresses of the services, by technique
    upstreams: Annotated[dict[str, str], NoDecode, BeforeValidator(_parse_pairs)] = {}

    # The data set
    dataset_size: Literal["small", "medium", "large"] = "medium"
    dataset_seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 1

    # The stack without Docker
    ports: Annotated[dict[str, Port], NoDecode, BeforeValidator(_parse_pairs)] = {}
    state_directory: Path = Path(".lab")

    @model_validator(mode="after")
    def _pool_bounds_in_order(self) -> "Settings":
        if self.pool_min > self.pool_max:
            raise ValueError(f"LAB_POOL_MIN={self.pool_min} exceeds LAB_POOL_MAX={self.pool_max}")
        return self


def load_settings() -> Settings:
    """Read and validate the environment and the secret files. Raises InvalidSettings."""
    _refuse_unknown(os.environ)
    secrets = [each for each in (SECRETS_DIRECTORY, OWN_SECRETS_DIRECTORY) if each.is_dir()]
    try:
        return Settings(_secrets_dir=secrets or None)
    except ValidationError as error:
        raise InvalidSettings(_one_line(error)) from None


def environment_of(values: Mapping[str, Any]) -> dict[str, str]:
    """The environment variables that pass these settings to a child process.

    Raises KeyError when a name is not a setting.
    """
    unknown = values.keys() - Settings.model_fields.keys()
    if unknown:
        raise KeyError(f"unknown settings: {', '.join(sorted(unknown))}")
    return {PREFIX + name.upper(): _as_text(value) for name, value in values.items()}


def _as_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return ",".join(f"{name}={each}" for name, each in value.items())
    return str(value)


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise InvalidSettings(f"{name} is not a setting of the lab{hint}")


def _one_line(error: ValidationError) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    message = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    return f"{PREFIX}{str(problem['loc'][0]).upper()}: {message}"
