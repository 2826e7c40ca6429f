"""The main job in small: every installed framework on the same real digits."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from bench import frameworks
from bench.system import environment
from tests.record_making import field

REQUIRED = {name for name in os.environ.get("BENCH_REQUIRE", "").split(",") if name}
DEFAULT = [framework for framework in frameworks.built_in() if framework.default]
INSTALLED = [f.name for f in DEFAULT if f.name in REQUIRED or not frameworks.missing(f)]


@pytest.mark.skipif(not INSTALLED, reason="no framework is installed")
@pytest.mark.parametrize("verified", [False, pytest.param(True, marks=pytest.mark.long)])
def test_all_train_the_same_network_on_the_same_batches(bench, verified):
    """Unverified in `make test`: its parity tests examine every framework, too."""
    done = bench.run(",".join([*INSTALLED, "reference"]), "--json", verified=verified)
    records = {
        record["identity"]["framework"]: record for record in json.loads(done.stdout)["records"]
    }
    assert done.returncode == 0, {name: r["status"]["reason"] for name, r in records.items()}
    oracle = records.pop("reference")
    for name, record in records.items():
        for what in ("split_sha256", "order_sha256", "initial_weights_sha256"):
            assert field(record, what) == field(oracle, what), (name, what)
        assert record["learning"]["parameters"] == 61_706
        if verified:
            assert record["provenance"]["certificate"]["subject"]["framework"] == name
            assert len(record["provenance"]["certificate"]["checks"]) > 25
        # 12 steps of Adam in float32: the losses agree to five digits or so, not to the last.
        assert record["learning"]["train_loss"] == pytest.approx(
            oracle["learning"]["train_loss"], rel=1e-4
        ), name
        assert record["learning"]["val_loss"] == pytest.approx(
            oracle["learning"]["val_loss"], rel=1e-3
        ), name
        assert record["environment"]["versions"]
        assert record["environment"]["framework_version"]
        for phase in ("import_s", "device_start_s", "build_s", "placement_s", "compile_s"):
            assert record["timing"][phase] >= 0, (name, phase)


@pytest.mark.long
@pytest.mark.skipif(not INSTALLED, reason="no framework is installed")
def test_deterministic_trainings_are_the_same_to_the_last_bit(bench):
    how = (",".join(INSTALLED), "--deterministic", "--threads", "2")
    first, second = bench.records(*how), bench.records(*how)
    for name, record in first.items():
        assert record["status"]["outcome"] == "ok", (name, record["status"]["reason"])
        for what in ("train_loss", "step_loss", "val_loss", "test_loss"):
            assert field(record, what), (name, what)
            assert field(record, what) == field(second[name], what), (name, what)


@pytest.mark.long
@pytest.mark.skipif("keras" not in INSTALLED, reason="Keras is not installed")
def test_what_a_person_has_set_for_keras_is_not_read(tmp_path):
    """With float16 Keras' own optimizers compute their rate in half precision."""
    given = '{"floatx": "float16", "epsilon": 1e-3, "image_data_format": "channels_first"}'
    settings = tmp_path / ".keras/keras.json"
    settings.parent.mkdir()
    settings.write_text(given)
    mine = os.environ | {"HOME": str(tmp_path)}
    code = "from keras import config as c; print(c.floatx(), c.epsilon(), c.image_data_format())"
    said = [
        subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        ).stdout
        for env in (mine | {"KERAS_BACKEND": "tensorflow"}, environment.of_worker(1, mine))
    ]
    assert said == ["float16 0.001 channels_first\n", "float32 1e-07 channels_last\n"]
    assert settings.read_text() == given


def test_a_gpu_that_is_not_there(bench):
    done = bench.run("reference", "--devices", "gpu", "--json")
    (record,) = json.loads(done.stdout)["records"]
    assert done.returncode == 1
    assert record["status"]["outcome"] == "unavailable"
    assert "sees no gpu here" in record["status"]["reason"]
