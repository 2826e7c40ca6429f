"""A worker's environment: what it is given, what it is not."""

from __future__ import annotations

import os
import site
from pathlib import Path

import pytest

from bench.system import environment


def test_every_library_is_given_the_same_number_of_threads():
    env = environment.of_worker(3, {"OMP_NUM_THREADS": "64", "PATH": "/bin"})
    assert {env[name] for name in environment.THREAD_COUNTS} == {"3"}
    assert env["PATH"] == "/bin"


@pytest.mark.parametrize("name", ["XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS", "LD_PRELOAD", "SECRET"])
def test_what_could_change_a_measurement_is_not_passed_on(name):
    assert name not in environment.of_worker(1, {name: "1"})


def test_a_worker_has_no_home_and_finds_what_libraries_keep_there():
    env = environment.of_worker(1, {"HOME": "/home/me", "XDG_CACHE_HOME": "/caches"})
    for name in ("HOME", "KERAS_HOME"):
        assert not Path(env[name], ".keras/keras.json").exists()
        with pytest.raises(OSError, match="Not a directory"):
            Path(env[name], ".keras").mkdir()
    assert env["XDG_CACHE_HOME"] == "/caches"
    assert env["XDG_DATA_HOME"] == "/home/me/.local/share"
    assert env["JULIA_DEPOT_PATH"] == f"/home/me/.julia{os.pathsep}"
    assert env["JULIA_LOAD_PATH"] == f"@{os.pathsep}@stdlib"


@pytest.mark.parametrize("name", ["CUDA_VISIBLE_DEVICES", "PYTHONPATH"])
def test_nothing_is_a_value_as_well(name):
    assert environment.of_worker(1, {name: ""})[name] == ""


def test_packages_of_a_person_s_own_are_found_without_a_home(monkeypatch):
    monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
    monkeypatch.setattr(site, "getuserbase", lambda: "/home/me/.local")
    assert environment.of_worker(1, {})["PYTHONUSERBASE"] == "/home/me/.local"
    monkeypatch.setattr(site, "ENABLE_USER_SITE", False)
    assert "PYTHONUSERBASE" not in environment.of_worker(1, {})


def test_every_process_keeps_its_memory_unless_it_is_told_otherwise():
    env = environment.of_worker(1, {"MALLOC_TRIM_THRESHOLD_": "0"})
    assert env["MALLOC_TRIM_THRESHOLD_"] == str(2**30)
    given = {"MALLOC_TRIM_THRESHOLD_": "131072"}
    assert environment.of_worker(1, {}, given)["MALLOC_TRIM_THRESHOLD_"] == "131072"


def test_what_one_framework_is_given_besides():
    given = {"XLA_FLAGS": "--a=1", "OMP_NUM_THREADS": "64", "HOME": "/home/me"}
    env = environment.of_worker(1, {"XLA_FLAGS": "--b=2"}, given)
    assert env["XLA_FLAGS"] == "--a=1"
    assert env["OMP_NUM_THREADS"] == "1"  # which is nobody's to change
    assert env["HOME"] == os.devnull


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("OMP_NUM_THREADS", "it is set for all frameworks alike: give --threads"),
        ("CUDA_VISIBLE_DEVICES", "workers see it as it is: set it before the program starts"),
        ("KERAS_BACKEND", "take the row of that backend: keras, keras:jax or keras:torch"),
        ("HOME", "it is set for all frameworks alike"),
        ("CUDA_CACHE_PATH", "it is set for all frameworks alike"),
        ("XLA_FLAGS", None),
        ("MALLOC_ARENA_MAX", None),
    ],
)
def test_why_a_run_cannot_be_given_a_variable(name, reason):
    assert environment.why_not(name) == reason


def test_what_is_set_and_reaches_no_worker():
    parent = {"XLA_FLAGS": "--a", "LD_PRELOAD": "/x.so", "KMP_BLOCKTIME": "", "EDITOR": "vi"}
    parent |= {"LD_LIBRARY_PATH": "/opt", "KERAS_BACKEND": "jax", "PATH": "/bin"}
    parent |= {"TF_CLI_CONFIG_FILE": "/terraform", "NVIDIA_REQUIRE_CUDA": "12", "KERAS_HOME": "/k"}
    parent |= {"OMP_NUM_THREADS": "1"}
    assert environment.ignored(parent) == [
        *("KERAS_BACKEND", "LD_PRELOAD", "OMP_NUM_THREADS", "XLA_FLAGS")
    ]
