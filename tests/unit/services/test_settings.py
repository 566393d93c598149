"""The environment: what is wrong in it is said in one line, and nothing secret is."""

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
    """The message with which this environment is refused."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    return str(caught.value)


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load_settings() == Settings()


def test_a_variable_is_read_as_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PORT", "9000")
    monkeypatch.setenv("LAB_CACHE_LIFETIME", "1.5")
    monkeypatch.setenv("LAB_STATE_DIRECTORY", "/somewhere")
    settings = load_settings()
    assert (settings.port, settings.cache_lifetime) == (9000, 1.5)
    assert settings.state_directory == Path("/somewhere")


@pytest.mark.parametrize(
    ("name", "value", "what"),
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
        ("LAB_POOL_MAX", "1001", "less than or equal to 1000"),
        ("LAB_LOG_QUEUE_SIZE", "0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, what: str
) -> None:
    message = refusal(monkeypatch, **{name: value})
    assert message.startswith(f"{name}: ")
    assert what in message
    assert "\n" not in message


def test_an_unknown_variable_is_refused_with_the_name_that_was_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = refusal(monkeypatch, LAB_POOL_MAXIMUM="4")
    assert message == "LAB_POOL_MAXIMUM is no setting of the lab; did you mean LAB_POOL_MAX?"


def test_an_unknown_variable_that_resembles_nothing_is_refused_without_a_guess(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert refusal(monkeypatch, LAB_ZZZZZZZZZZZZ="") == "LAB_ZZZZZZZZZZZZ is no setting of the lab"


def test_variables_of_other_programs_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL", "x")
    monkeypatch.setenv("PORT", "none")
    assert load_settings() == Settings()


def test_a_pool_cannot_have_more_connections_at_least_than_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = refusal(monkeypatch, LAB_POOL_MIN="9", LAB_POOL_MAX="8")
    assert message == "LAB_POOL_MIN=9 exceeds LAB_POOL_MAX=8"


def test_a_pool_may_have_a_fixed_size(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_what_is_no_pair_is_refused_with_the_way_to_write_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = refusal(monkeypatch, LAB_UPSTREAMS="http://one:1")
    assert message == "LAB_UPSTREAMS: write it as name=value,name=value"


@pytest.mark.parametrize("text", ["gateway=0", "gateway=65536", "gateway=", "gateway=8080=1"])
def test_a_port_in_a_pair_is_a_port_too(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    assert refusal(monkeypatch, LAB_PORTS=text).startswith("LAB_PORTS: ")


def test_ports_are_numbers_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PORTS", "gateway=9080,caching=9101")
    assert load_settings().ports == {"gateway": 9080, "caching": 9101}


def test_a_secret_shows_nowhere(
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


def test_a_refusal_does_not_repeat_what_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DATABASE_PASSWORD", "hunter2")
    assert "hunter" not in refusal(monkeypatch, LAB_DATABASE_PORT="hunter2")


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "lab_database_password").write_text("hunter2\n", "utf-8")
    monkeypatch.setattr(settings_module, "SECRETS_DIRECTORY", tmp_path)
    assert load_settings().database_password.get_secret_value() == "hunter2"


def test_a_service_may_have_secrets_of_its_own_beside_those_that_it_shares(
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


def test_settings_given_to_a_child_process_arrive_there(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {
        "port": 9000,
        "database_password": SecretStr("hunter2"),
        "upstreams": {"caching": "http://one:1", "pagination": "http://two:2"},
        "ports": {"gateway": 9080},
        "log_directory": Path("/logs"),
        "cache_lifetime": 0.5,
        "dataset_size": "small",
    }
    for name, value in environment_of(given).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == Settings(**given)  # type: ignore[arg-type]


def test_a_child_process_cannot_be_given_what_is_no_setting() -> None:
    with pytest.raises(KeyError, match="colour, flavour"):
        environment_of({"flavour": 1, "colour": 2, "port": 3})
