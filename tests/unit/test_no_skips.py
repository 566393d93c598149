"""`pytest --no-skips` fails on a skipped test, which would hide a missing program."""

import pytest

pytest_plugins = ["pytester"]

SOURCES = {
    "by_mark": "import pytest\n@pytest.mark.skip('no engine')\ndef test_it(): pass\n",
    "by_call": "import pytest\ndef test_it(): pytest.skip('no engine')\n",
    "by_module": "import pytest\npytest.skip('no engine', allow_module_level=True)\n",
    "xfailing": "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False\n",
}


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run pytest on SOURCES, with tests/conftest.py as a plugin."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(**{f"test_{name}": source for name, source in SOURCES.items()})
    return pytester.runpytest_inprocess(
        "-p", "tests.conftest", "--continue-on-collection-errors", *options
    )


def test_a_skipped_test_fails_the_run_and_is_named_with_its_reason(
    pytester: pytest.Pytester,
) -> None:
    finished = run(pytester, "--no-skips")
    assert finished.ret == pytest.ExitCode.TESTS_FAILED
    finished.assert_outcomes(failed=1, errors=2, xfailed=1)
    lines = [line for line in finished.outlines if "was not to be skipped" in line]
    for name in ("by_mark", "by_call", "by_module"):
        assert any(f"test_{name}.py" in line and line.endswith("no engine") for line in lines)


def test_without_the_option_a_skipped_test_does_not_fail(pytester: pytest.Pytester) -> None:
    finished = run(pytester)
    assert finished.ret == pytest.ExitCode.OK
    finished.assert_outcomes(skipped=3, xfailed=1)
