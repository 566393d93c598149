"""Settings from the environment: parsing, one-line error messages, hidden secrets."""

import logging
import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from services import settings as settings_module
from services.settings import (
    PREFIX,
    InvalidSettings,
    Settings,
    environment_of,
    load_settings,
)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(settings_module, "SECRETS_DIRECTORY", tmp_path / "none")
    monkeypatch.setattr(settings_module, "OWN_SECRETS_DIRECTORY", tmp_path / "none")


def refusal(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    """The error message for this environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    return str(caught.value)


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load_settings() == Settings()


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("request_timeout", 30), ("slow_request", 1), ("shutdown_timeout", 5),
        ("startup_timeout", 30), ("database_port", 5432), ("pool_min", 8), ("pool_max", 8),
        ("pool_timeout", 5), ("statement_timeout", 10), ("pool_waiting", 1000),
        ("pool_check_idle", 5), ("pool_max_idle", 300), ("pool_max_age", 1800),
        ("pool_leak_after", 15), ("redis_port", 6379), ("redis_timeout", 0.2),
        ("log_queue_size", 10_000), ("log_file_megabytes", 64), ("log_block_seconds", 0.1),
        ("log_drain_seconds", 3), ("dataset_seed", 1),
    ],
)  # fmt: skip
def test_a_default_is_changed_only_together_with_this_table(name: str, default: float) -> None:
    assert getattr(Settings(), name) == default


@pytest.mark.parametrize(
    ("name", "minimum", "maximum"),
    [
        ("LAB_PORT", 1, 65_535), ("LAB_POOL_MAX", 8, 1000), ("LAB_POOL_MIN", 1, 8),
        ("LAB_POOL_WAITING", 1, 100_000), ("LAB_LOG_QUEUE_SIZE", 1, 1_000_000),
        ("LAB_LOG_FILE_MEGABYTES", 1, 10_000), ("LAB_DATASET_SEED", 0, 2**32 - 1),
    ],
)  # fmt: skip
def test_both_bounds_of_a_whole_number_are_accepted(
    monkeypatch: pytest.MonkeyPatch, name: str, minimum: int, maximum: int
) -> None:
    for value in (minimum, maximum):
        monkeypatch.setenv(name, str(value))
        assert getattr(load_settings(), name.removeprefix(PREFIX).lower()) == value


def test_both_bounds_of_a_duration_and_a_share_are_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAB_REQUEST_TIMEOUT", "3600")
    monkeypatch.setenv("LAB_LOG_SAMPLING", "INFO=0,/caching:DEBUG=1")
    settings = load_settings()
    assert settings.request_timeout == 3600
    assert settings.log_sampling == {"INFO": 0, "/caching:DEBUG": 1}


def test_variables_are_converted_to_their_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PORT", "9000")
    monkeypatch.setenv("LAB_CACHE_LIFETIME", "1.5")
    monkeypatch.setenv("LAB_STATE_DIRECTORY", "/somewhere")
    settings = load_settings()
    assert (settings.port, settings.cache_lifetime) == (9000, 1.5)
    assert settings.state_directory == Path("/somewhere")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("LAB_PORT", "0", "greater than or equal to 1"),
        ("LAB_PORT", "65536", "less than or equal to 65535"),
        ("LAB_PORT", "http", "valid integer"),
        ("LAB_PORT", "", "valid integer"),
        ("LAB_REQUEST_TIMEOUT", "0", "greater than 0"),
        ("LAB_REQUEST_TIMEOUT", "nan", ""),
        ("LAB_REQUEST_TIMEOUT", "inf", "less than or equal to 3600"),
        ("LAB_LOG_LEVEL", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("LAB_DATASET_SIZE", "tiny", "'small', 'medium' or 'large'"),
        ("LAB_DATASET_SEED", "-1", "greater than or equal to 0"),
        ("LAB_DATASET_SEED", "4294967296", "less than or equal to 4294967295"),
        ("LAB_REQUEST_TIMEOUT", "3600.1", "less than or equal to 3600"),
        ("LAB_POOL_MIN", "0", "greater than or equal to 1"),
        ("LAB_POOL_MIN", "1001", "less than or equal to 1000"),
        ("LAB_POOL_MAX", "0", "greater than or equal to 1"),
        ("LAB_POOL_MAX", "1001", "less than or equal to 1000"),
        ("LAB_POOL_WAITING", "0", "greater than or equal to 1"),
        ("LAB_POOL_WAITING", "100001", "less than or equal to 100000"),
        ("LAB_LOG_QUEUE_SIZE", "0", "greater than or equal to 1"),
        ("LAB_LOG_QUEUE_SIZE", "1000001", "less than or equal to 1000000"),
        ("LAB_LOG_FILE_MEGABYTES", "0", "greater than or equal to 1"),
        ("LAB_LOG_FILE_MEGABYTES", "10001", "less than or equal to 10000"),
        ("LAB_LOG_SAMPLING", "INFO=1.1", "less than or equal to 1"),
        ("LAB_LOG_SAMPLING", "INFO=-0.1", "greater than or equal to 0"),
    ],
)
def test_a_wrong_value_is_refused_with_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    message = refusal(monkeypatch, **{name: value})
    assert message.startswith(f"{name}: ")
    assert reason in message
    assert "\n" not in message


def test_an_unknown_variable_is_refused_with_the_most_similar_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = refusal(monkeypatch, LAB_POOL_MAXIMUM="4")
    assert message == "LAB_POOL_MAXIMUM is not a setting of the lab; did you mean LAB_POOL_MAX?"


def test_an_unknown_variable_without_a_similar_name_is_refused_without_a_hint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = refusal(monkeypatch, LAB_ZZZZZZZZZZZZ="")
    assert message == "LAB_ZZZZZZZZZZZZ is not a setting of the lab"


def test_variables_of_other_programs_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL", "x")
    monkeypatch.setenv("PORT", "none")
    assert load_settings() == Settings()


def test_pool_min_above_pool_max_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = refusal(monkeypatch, LAB_POOL_MIN="9", LAB_POOL_MAX="8")
    assert message == "LAB_POOL_MIN=9 exceeds LAB_POOL_MAX=8"


def test_pool_min_may_equal_pool_max(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_POOL_MIN", "3")
    monkeypatch.setenv("LAB_POOL_MAX", "3")
    assert load_settings().pool_min == load_settings().pool_max == 3


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", {}),
        ("caching=http://one:1", {"caching": "http://one:1"}),
        (" caching=http://one:1 , pagination=http://two/?a=b,", {
            "caching": "http://one:1", "pagination": "http://two/?a=b",
        }),
    ],
)  # fmt: skip
def test_pairs_are_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, pairs: dict[str, str]
) -> None:
    monkeypatch.setenv("LAB_UPSTREAMS", text)
    assert load_settings().upstreams == pairs


def test_a_value_without_pairs_is_refused_with_the_syntax(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = refusal(monkeypatch, LAB_UPSTREAMS="http://one:1")
    assert message == "LAB_UPSTREAMS: write it as name=value,name=value"


@pytest.mark.parametrize("text", ["gateway=0", "gateway=65536", "gateway=", "gateway=8080=1"])
def test_a_wrong_port_in_a_pair_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    assert refusal(monkeypatch, LAB_PORTS=text).startswith("LAB_PORTS: ")


def test_ports_are_numbers_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PORTS", "gateway=9080,caching=9101")
    assert load_settings().ports == {"gateway": 9080, "caching": 9101}


def test_secrets_are_hidden_in_text_logs_and_json(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LAB_DATABASE_PASSWORD", "hunter2")
    monkeypatch.setenv("LAB_REDIS_PASSWORD", "hunter3")
    monkeypatch.setenv("LAB_CURSOR_SECRET", "hunter4")
    settings = load_settings()
    logging.getLogger(__name__).warning("%s %r", settings, settings)
    shown = f"{settings} {settings!r} {settings.model_dump_json()} {caplog.text}"
    assert "database_password" in shown
    assert "hunter" not in shown
    assert settings.database_password.get_secret_value() == "hunter2"


def test_an_error_message_does_not_repeat_the_wrong_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DATABASE_PASSWORD", "hunter2")
    assert "hunter" not in refusal(monkeypatch, LAB_DATABASE_PORT="hunter2")


def test_a_secret_can_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "lab_database_password").write_text("hunter2\n", "utf-8")
    monkeypatch.setattr(settings_module, "SECRETS_DIRECTORY", tmp_path)
    assert load_settings().database_password.get_secret_value() == "hunter2"


def test_a_service_reads_its_own_secrets_and_shared_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for directory, name in (
        ("SECRETS_DIRECTORY", "lab_database_password"),
        ("OWN_SECRETS_DIRECTORY", "lab_cursor_secret"),
    ):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / name).write_text(f"{name}\n", "utf-8")
        monkeypatch.setattr(settings_module, directory, tmp_path / directory)
    settings = load_settings()
    assert settings.database_password.get_secret_value() == "lab_database_password"
    assert settings.cursor_secret.get_secret_value() == "lab_cursor_secret"


def test_a_child_process_reads_the_settings_passed_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: dict[str, object] = {
        "port": 9000,
        "database_password": SecretStr("hunter2"),
        "upstreams": {"caching": "http://one:1", "pagination": "http://two:2"},
        "ports": {"gateway": 9080},
        "log_directory": Path("/logs"),
        "cache_lifetime": 0.5,
        "dataset_size": "small",
    }
    for name, value in environment_of(passed).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == Settings(**passed)  # type: ignore[arg-type]


def test_an_unknown_setting_cannot_be_passed_to_a_child_process() -> None:
    with pytest.raises(KeyError, match="colour, flavour"):
        environment_of({"flavour": 1, "colour": 2, "port": 3})
