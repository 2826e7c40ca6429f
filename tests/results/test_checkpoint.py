"""Checkpoints: what is written comes back; anything else is one clear error."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config import plan
from bench.config.training_settings import TrainingSettings
from bench.contract import ModelOptions, ModelSpec, OptimizerSpec
from bench.errors import CheckpointError
from bench.results import checkpoint, naming
from bench.results.checkpoint import Header
from bench.workload import models
from bench.workload.order import initial_parameters

MODEL = models.build("lenet5", (32, 32, 1), 10)
ADAM = OptimizerSpec("adam")
SETTINGS = TrainingSettings(
    **{"dataset": "mnist", "fit": "pad", "activation": "relu", "pooling": "max"},
    **{"train_size": 55_000, "val_size": 5_000, "test_size": 10_000, "epochs": 43},
    **{"learning_rate": 1e-3, "target_accuracy": None},
)


def header(model: ModelSpec = MODEL, optimizer: OptimizerSpec = ADAM, **fields) -> Header:
    known = {
        "bench_version": "0.1",
        "framework": "torch",
        "framework_version": None,
        "device": "cpu",
        "model": model,
        "settings": SETTINGS,
        "data_sha256": "d" * 64,
        "classes": tuple("0123456789"),
        "native_size": (28, 28),
        "mean": (0.1 + 0.2,),  # with all its digits
        "std": (0.3,),
        "pool_images": 60_000,
        "own_test_set": True,
        "split_sha256": "e" * 64,
        "seed": 0,
        "epoch": 43,
        "batch_size": 128,
        "optimizer": optimizer,
        "steps": 18_490,
        "val_accuracy": 0.9913,
    }
    return Header(**known | fields)


def trees(optimizer: OptimizerSpec = ADAM, model: ModelSpec = MODEL):
    parameters = initial_parameters(3, model)
    buffers = {name: initial_parameters(4 + n, model) for n, name in enumerate(optimizer.buffers)}
    return parameters, buffers


def content(**fields) -> bytes:
    return checkpoint.encode(header(**fields), *trees())


@pytest.fixture(scope="module")
def whole() -> bytes:
    return content()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.safetensors"


@pytest.mark.parametrize(
    "optimizer",
    [
        OptimizerSpec("sgd"),
        OptimizerSpec("sgd", momentum=0.9),
        OptimizerSpec("rmsprop", momentum=0.5, weight_decay=1e-4),
        ADAM,
        OptimizerSpec("adamw", epsilon=1e-7, epsilon_form="hat"),
    ],
    ids=str,
)
def test_what_is_written_comes_back(path, optimizer):
    parameters, buffers = trees(optimizer)
    path.write_bytes(checkpoint.encode(header(optimizer=optimizer), parameters, buffers))
    found = checkpoint.read(path)
    assert found.header == header(optimizer=optimizer)
    assert found.header.model == MODEL
    assert found.optimizer.steps == 18_490
    assert list(found.parameters) == list(parameters)
    assert tuple(found.optimizer.buffers) == optimizer.buffers
    for got, want in (
        (found.parameters, parameters),
        *((found.optimizer.buffers[b], buffers[b]) for b in buffers),
    ):
        for name, value in want.items():
            assert got[name].dtype == np.float32
            assert got[name].tobytes() == value.tobytes()


def test_the_same_content_makes_the_same_bytes(whole):
    assert {content() for _ in range(5)} == {whole}


def test_others_can_read_it(whole):
    """The names and the layout are those of the module's docstring, by the library alone."""
    tensors = safetensors.numpy.load(whole)
    assert tensors["parameters/conv1/kernel"].shape == (5, 5, 1, 6)
    assert tensors["optimizer/square/dense3/bias"].shape == (10,)
    assert len(tensors) == 3 * 10


def test_values_that_are_not_finite_are_not_written():
    parameters, buffers = trees()
    buffers["square"]["dense1/bias"][3] = np.inf
    with pytest.raises(CheckpointError, match="optimizer/square/dense1/bias holds values"):
        checkpoint.encode(header(), parameters, buffers)


def rewritten(whole: bytes, change) -> bytes:
    """The file with its header's document changed, and the hash left as it was."""
    length = struct.unpack("<Q", whole[:8])[0]
    outer = json.loads(whole[8 : 8 + length])
    document = json.loads(outer["__metadata__"][checkpoint.KEY])
    outer["__metadata__"][checkpoint.KEY] = json.dumps(change(document))
    text = json.dumps(outer).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + whole[8 + length :]


def other_layers(document):
    document["model"]["layers"][0]["out_channels"] = 7
    return document


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d | {"format": 5}, "written by a newer lenet-bench (format 5"),
        (lambda d: d | {"format": None}, "has no format or no sha256"),
        (lambda d: {"format": 1}, "has no format or no sha256"),
        (lambda d: [], "has no format or no sha256"),
        (lambda d: d | {"epoch": -1}, "epoch: Input should be greater"),
        (lambda d: d | {"surprise": 1}, "surprise: Extra inputs"),
        (lambda d: d | {"std": [1, 2, 3]}, "mean and std are not those of 1 channel(s)"),
        (lambda d: d | {"classes": ["a", "b"]}, "2 names of 10 classes"),
        (lambda d: d | {"pool_images": 10}, "a split of 60000 images out of 10"),
        (lambda d: d | {"native_size": [10**9, 1]}, "native_size.0: Input should be less"),
        (lambda d: d | {"val_accuracy": 1.0}, "is damaged: its content should have the hash"),
        (
            lambda d: d | {"model": d["model"] | {"name": "vgg"}},
            "another model: unknown model 'vgg'",
        ),
        (other_layers, "another model: its 'lenet5' has Conv(name='conv1'"),
        (
            lambda d: d | {"model": d["model"] | {"layers": d["model"]["layers"][:3]}},
            "3 layers where this version has 8",
        ),
        (
            lambda d: d | {"optimizer": d["optimizer"] | {"name": "sgd"}},
            "which is not part of it (errors in all: 20)",
        ),
    ],
)
def test_a_wrong_header(path, whole, change, complaint):
    path.write_bytes(rewritten(whole, change))
    with pytest.raises(CheckpointError) as caught:
        checkpoint.read(path)
    assert complaint in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_header_nested_too_deep_for_json(path, whole):
    path.write_bytes(
        safetensors.numpy.save(
            {"a": np.zeros(1, np.float32)}, {checkpoint.KEY: "[" * 100_000 + "]" * 100_000}
        )
    )
    with pytest.raises(CheckpointError, match="its header is not JSON"):
        checkpoint.read(path)


def changed(whole: bytes, tensors) -> bytes:
    length = struct.unpack("<Q", whole[:8])[0]
    return safetensors.numpy.save(tensors, json.loads(whole[8 : 8 + length])["__metadata__"])


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("parameters/conv1/bias", None, "it has no parameters/conv1/bias"),
        ("parameters/conv9/bias", np.zeros(6, np.float32), "it has parameters/conv9/bias, which"),
        ("parameters/conv1/bias", np.zeros(7, np.float32), "is F32 (7,) and should be F32 (6,)"),
        ("parameters/conv1/bias", np.zeros(6), "is F64 (6,) and should be F32 (6,)"),
        ("parameters/conv1/bias", np.zeros(6, np.float32), "is damaged: its content should have"),
    ],
)
def test_other_tensors(path, whole, name, value, complaint):
    tensors = safetensors.numpy.load(whole)
    if value is None:
        del tensors[name]
    else:
        tensors[name] = value
    path.write_bytes(changed(whole, tensors))
    with pytest.raises(CheckpointError) as caught:
        checkpoint.read(path)
    assert complaint in str(caught.value)


def test_values_that_are_not_finite_are_told(path, whole):
    """A foreign writer may have hashed them rightly."""
    tensors = safetensors.numpy.load(whole)
    tensors["parameters/conv1/bias"] = np.full(6, np.nan, np.float32)
    content = header().model_dump(mode="json")
    document = content | {"sha256": checkpoint._sha256(content, tensors)}
    path.write_bytes(safetensors.numpy.save(tensors, {checkpoint.KEY: json.dumps(document)}))
    with pytest.raises(CheckpointError, match="parameters/conv1/bias holds values that are not"):
        checkpoint.read(path)


@pytest.mark.parametrize(
    ("bytes_", "complaint"),
    [
        (b"", "no safetensors file, or not a whole one"),
        (b"PK\x03\x04 a zip file", "no safetensors file, or not a whole one"),
        (b"\x80\x04cposix\nsystem\n(S'true'\ntR.", "no safetensors file"),
        (
            safetensors.numpy.save({"a": np.zeros(1, np.float32)}),
            "not a checkpoint of lenet-bench: it has no header 'lenet_bench'",
        ),
    ],
)
def test_foreign_files(path, bytes_, complaint):
    path.write_bytes(bytes_)
    with pytest.raises(CheckpointError) as caught:
        checkpoint.read(path)
    assert complaint in str(caught.value)


def test_no_file(path, tmp_path):
    for absent, why in ((path, "does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(CheckpointError, match=f"{why}: give the path"):
            checkpoint.read(absent)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_truncated_at_any_length(whole, tmp_path_factory, data):
    path = tmp_path_factory.mktemp("cut") / "a.safetensors"
    # Half of the cuts within the header, which is a small part of the file.
    limit = data.draw(st.sampled_from([6_000, len(whole) - 1]))
    path.write_bytes(whole[: data.draw(st.integers(0, limit))])
    with pytest.raises(CheckpointError):
        checkpoint.read(path)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_flipped_bits_never_pass_for_the_truth(whole, tmp_path_factory, data):
    """Either the one error, or the same content: as where a blank in JSON becomes a tab."""
    path = tmp_path_factory.mktemp("flip") / "a.safetensors"
    damaged = bytearray(whole)
    limit = data.draw(st.sampled_from([6_000, len(whole) - 1]))
    for at in data.draw(st.lists(st.integers(0, limit), min_size=1, max_size=4, unique=True)):
        damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(damaged)
    try:
        found = checkpoint.read(path)
    except CheckpointError:
        return
    parameters, _ = trees()
    assert found.header == header()
    assert all(np.array_equal(found.parameters[name], parameters[name]) for name in parameters)


def planned(dataset: str, devices=("cpu",)) -> plan.Plan:
    asked = {
        "frameworks": ("torch",),
        "devices": devices,
        "data_root": Path("/d"),
        "dataset": dataset,
    }
    return plan.make(asked, plan.AvailableImages(60_000, 10_000, 1, 10, None))


@pytest.mark.parametrize(
    ("dataset", "devices", "name"),
    [
        ("mnist", ("cpu",), "MNIST_torch_seed0_epoch43_acc0.9913.safetensors"),
        ("cifar10", ("cpu", "gpu"), "CIFAR10_torch_cpu_seed0_epoch43_acc0.9913.safetensors"),
        (
            "npz:/a b/../my [own].v2.npz",
            ("cpu",),
            "my-own-v2_torch_seed0_epoch43_acc0.9913.safetensors",
        ),
        ("npz:/…/..npz", ("cpu",), "npz_torch_seed0_epoch43_acc0.9913.safetensors"),
    ],
)
def test_names(dataset, devices, name):
    cell = plan.Cell(framework="torch", device="cpu", seed=0, batch_size=32, threads=1)
    stem = naming.stem(planned(dataset, devices), cell)
    assert naming.file_name(stem, 43, 0.99128) == name


def test_a_name_without_validation():
    assert naming.file_name("MNIST_torch_seed0_epoch", 2, None) == (
        "MNIST_torch_seed0_epoch2.safetensors"
    )


def test_a_network_with_slopes_comes_back(path):
    model = models.build("lenet5", (32, 32, 1), 10, ModelOptions("prelu", "average"))
    path.write_bytes(checkpoint.encode(header(model=model), *trees(model=model)))
    found = checkpoint.read(path)
    assert found.header.model == model
    assert found.parameters["dense1/slope"] == 0.25


def without_what_is_new(document: dict) -> dict:
    """A header as it was before networks had options, paddings and kinds of pooling."""
    model = document["model"]
    del model["options"]
    for layer in model["layers"]:
        layer.pop("padding", None)
        layer.pop("kind", None)
    return document


def test_a_checkpoint_from_before_there_were_options_is_still_read(path):
    parameters, buffers = trees()
    old = without_what_is_new(header().model_dump(mode="json"))
    named = {f"parameters/{name}": value for name, value in parameters.items()}
    for buffer, tree in buffers.items():
        named |= {f"optimizer/{buffer}/{name}": value for name, value in tree.items()}
    document = old | {"sha256": checkpoint._sha256(old, named)}
    path.write_bytes(safetensors.numpy.save(named, {checkpoint.KEY: json.dumps(document)}))
    found = checkpoint.read(path)
    assert found.header == header()
    assert found.header.model.options == ModelOptions()


@pytest.mark.parametrize(
    "options",
    [{"activation": "selu", "pooling": "max"}, {"activation": "relu", "pooling": "average"}],
)
def test_options_that_are_not_those_of_the_layers(path, options):
    """What a person would see in the header is what the network computes."""
    unlike = replace(MODEL, options=ModelOptions(**options))
    path.write_bytes(checkpoint.encode(header(model=unlike), *trees()))
    with pytest.raises(CheckpointError, match="is for another model: its 'lenet5' has"):
        checkpoint.read(path)


def test_an_equal_model_is_not_another_one(path):
    same = replace(MODEL, layers=tuple(replace(layer) for layer in MODEL.layers))
    path.write_bytes(checkpoint.encode(header(model=same), *trees()))
    assert checkpoint.read(path).header.model == MODEL
