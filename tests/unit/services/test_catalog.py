"""The catalog: the techniques, their ports and addresses."""

import importlib.util

import pytest

from services.catalog import BY_NAME, TECHNIQUES, upstreams
from services.contract import LOAD_PARAMETERS


def test_techniques_have_distinct_ports_in_rising_order() -> None:
    ports = [technique.port for technique in TECHNIQUES]
    assert ports == sorted(set(ports))


def test_technique_names_are_distinct() -> None:
    assert list(BY_NAME) == [technique.name for technique in TECHNIQUES]
    assert len(BY_NAME) == len(TECHNIQUES)


@pytest.mark.parametrize("name", BY_NAME)
def test_every_technique_has_a_naive_and_an_optimized_variant(name: str) -> None:
    variants = BY_NAME[name].variant_names()
    assert variants[:2] == ("naive", "optimized")
    assert len(set(variants)) == len(variants)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_workload_sends_only_parameters_of_the_technique(name: str) -> None:
    technique = BY_NAME[name]
    assert technique.workload.draws.keys() <= {each.name for each in technique.parameters}


@pytest.mark.parametrize("name", BY_NAME)
def test_a_sweep_has_rising_values_that_the_technique_accepts(name: str) -> None:
    technique = BY_NAME[name]
    sweep = technique.sweep
    parameter = technique.swept()[sweep.parameter]
    assert all(parameter.parse(str(value)) == value for value in sweep.values)
    assert len(sweep.values) >= 5
    assert list(sweep.values) == sorted(set(sweep.values))
    assert sweep.draws.keys() <= {each.name for each in technique.parameters}
    assert sweep.description.endswith(".")


@pytest.mark.parametrize("name", BY_NAME)
def test_no_parameter_has_the_name_of_a_load_parameter(name: str) -> None:
    load_names = {each.name for each in LOAD_PARAMETERS}
    assert not load_names & {each.name for each in BY_NAME[name].parameters}


@pytest.mark.parametrize("name", BY_NAME)
def test_the_package_of_every_technique_exists(name: str) -> None:
    assert importlib.util.find_spec(f"services.{BY_NAME[name].package}.app") is not None


def test_services_are_on_this_machine_without_an_override() -> None:
    addresses = upstreams({"caching": "http://elsewhere:1/"})
    assert addresses["caching"] == "http://elsewhere:1"
    assert addresses["pagination"] == f"http://127.0.0.1:{BY_NAME['pagination'].port}"
    assert addresses.keys() == BY_NAME.keys()


def test_an_address_for_an_unknown_technique_is_refused_with_the_known_names() -> None:
    with pytest.raises(ValueError, match=r"'cashing' is not a technique; use one of caching, .*"):
        upstreams({"cashing": "http://elsewhere:1"})
