"""The machine's fingerprint: facts without secrets."""

import os
import platform
from pathlib import Path

import pytest

from loadgen.experiment import machine
from loadgen.experiment.machine import fingerprint


def test_a_fingerprint_has_five_facts() -> None:
    facts = fingerprint()
    assert facts.keys() == {"processor", "cores", "memory_gib", "system", "python"}
    assert facts["cores"] == os.cpu_count()
    assert facts["python"] == platform.python_version()


def test_processor_and_memory_are_read_from_proc(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    processors = tmp_path / "cpuinfo"
    processors.write_text("processor\t: 0\nmodel name\t: Fast: 9000 @ 3 GHz\nmodel name\t: other\n")
    memory = tmp_path / "meminfo"
    memory.write_text("MemFree:  1 kB\nMemTotal:       16384000 kB\n")
    monkeypatch.setattr(machine, "_CPU_INFORMATION", processors)
    monkeypatch.setattr(machine, "_MEMORY_INFORMATION", memory)
    facts = fingerprint()
    assert facts["processor"] == "Fast: 9000 @ 3 GHz"
    assert facts["memory_gib"] == 16


def test_a_system_without_proc_has_a_fingerprint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "_CPU_INFORMATION", tmp_path / "none")
    monkeypatch.setattr(machine, "_MEMORY_INFORMATION", tmp_path / "none")
    facts = fingerprint()
    assert facts["processor"] == platform.machine()
    assert facts["memory_gib"] == 0


def test_a_fingerprint_does_not_contain_the_host_name() -> None:
    text = str(fingerprint())
    assert not platform.node() or platform.node() not in text
