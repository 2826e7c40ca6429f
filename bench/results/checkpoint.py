"""Weights that travel: canonical parameters and optimizer state as one safetensors file.

    __metadata__              {"lenet_bench": a JSON document: `Header`, and its `sha256`}
    parameters/conv1/kernel   float32, in the layout of `bench.contract`
    optimizer/mean/conv1/kernel

The hash is over the header and every tensor. Nothing is unpickled. Source of the format:
https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open

from bench.choices import Device
from bench.config.training_settings import TrainingSettings
from bench.contract import ModelSpec, OptimizerSpec, OptimizerState, Shape
from bench.errors import BenchError, CheckpointError, one_line
from bench.results import migrate, store
from bench.workload import models

FORMAT = migrate.FORMAT
KEY = "lenet_bench"
Tensors = Mapping[str, NDArray[np.float32]]
Side = Annotated[int, Field(ge=1, le=16_384)]  # pixels; what a person's image is brought to


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """What the rules of `bench.worker.lr_schedule` remember between epochs.

    learning_rate  of the next epoch
    best           the best monitored accuracy so far; None before the first
    best_epoch     its epoch, counted from 1
    waited         epochs since the last improvement, or since the last drop if that is later
    """

    learning_rate: float
    best: float | None = None
    best_epoch: int | None = None
    waited: int = 0


class Header(BaseModel):
    """All that is needed to predict, or to go on with the same split, order and normalisation."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: int = FORMAT
    bench_version: str
    framework: str
    framework_version: str | None
    device: Device

    model: ModelSpec
    settings: TrainingSettings
    data_sha256: str | None = Field(description="of the images and labels as they are delivered")
    classes: tuple[str, ...]
    native_size: tuple[Side, Side] = Field(description="height and width before `fit`")
    mean: tuple[float, ...] = Field(description="as it was used, also where nobody gave one")
    std: tuple[float, ...]
    pool_images: int
    own_test_set: bool
    own_validation_set: bool = False
    split_sha256: str

    seed: int = Field(ge=0)
    epoch: int = Field(ge=1, description="how many have been trained")
    batch_size: int = Field(ge=1)
    optimizer: OptimizerSpec
    steps: int = Field(ge=0, description="that the optimizer has taken")

    train_loss: float | None = None
    val_loss: float | None = None
    val_accuracy: float | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None

    schedule: ScheduleState | None = Field(
        default=None, description="None: the learning rate is constant"
    )

    @model_validator(mode="after")
    def _is_of_one_piece(self) -> Header:
        channels = self.model.input_shape[-1]
        if not len(self.mean) == len(self.std) == channels:
            raise ValueError(f"mean and std are not those of {channels} channel(s)")
        if len(self.classes) != self.model.classes:
            raise ValueError(f"{len(self.classes)} names of {self.model.classes} classes")
        of = self.settings
        sizes = (of.train_size, of.val_size, of.test_size)
        if min(sizes) < 0 or of.train_size == 0:
            raise ValueError(f"a split of {sizes} images")
        of_pool = of.train_size + (0 if self.own_validation_set else of.val_size)
        of_pool += 0 if self.own_test_set else of.test_size
        if of_pool > self.pool_images:
            raise ValueError(f"a split of {of_pool} images out of {self.pool_images}")
        return self


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file's content, checked. `sha256` is that of header and tensors."""

    header: Header
    parameters: dict[str, NDArray[np.float32]]
    optimizer: OptimizerState
    sha256: str


def encode(header: Header, parameters: Tensors, buffers: Mapping[str, Tensors]) -> bytes:
    """The file's bytes, the same for the same content; CheckpointError if a value is not finite."""
    named = {f"parameters/{path}": value for path, value in parameters.items()}
    for buffer, tree in buffers.items():
        named |= {f"optimizer/{buffer}/{path}": value for path, value in tree.items()}
    tensors = {name: np.ascontiguousarray(value, "<f4") for name, value in named.items()}
    _require_finite(tensors, "this checkpoint")
    content = header.model_dump(mode="json")
    document = content | {"sha256": _sha256(content, tensors)}
    return bytes(safetensors.numpy.save(tensors, {KEY: json.dumps(document, allow_nan=False)}))


def read(path: Path) -> Checkpoint:
    """A checkpoint, checked in every part.

    CheckpointError tells whether the file is missing, no safetensors file or not a whole one, not
    from here, from a newer version, damaged, or for another model.
    """
    if not path.is_file():
        fault = "is a folder" if path.is_dir() else "does not exist"
        raise CheckpointError(
            f"{path} {fault}: give the path of a checkpoint; runs keep theirs in "
            "results/RUN/checkpoints/"
        )
    try:
        with safe_open(path, framework="np") as file:
            content = _document((file.metadata() or {}).get(KEY), path)
            header = _header(content, path)
            tensors = _tensors(file, header, path)
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} is no safetensors file, or not a whole one ({store.first_fault(error)}): it "
            "was cut short, damaged, or is of another kind; take another copy or another checkpoint"
        ) from error
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {store.first_fault(error)}") from error
    expected = content.pop("sha256")
    got = _sha256(content, tensors)
    if got != expected:
        raise CheckpointError(
            f"{path} is damaged: its content should have the hash {expected} and has {got}; take "
            "another copy or another checkpoint"
        )
    _require_finite(tensors, str(path))
    paths = header.model.parameter_shapes()
    buffers = {
        buffer: {each: tensors[f"optimizer/{buffer}/{each}"] for each in paths}
        for buffer in header.optimizer.buffers
    }
    parameters = {each: tensors[f"parameters/{each}"] for each in paths}
    return Checkpoint(header, parameters, OptimizerState(header.steps, buffers), got)


def _document(text: str | None, path: Path) -> dict[str, Any]:
    """The JSON document of a file of ours, of a format that this version knows."""
    if text is None:
        raise CheckpointError(
            f"{path} is a safetensors file, but not a checkpoint of lenet-bench: it has no header "
            f"{KEY!r}; checkpoints come from `python -m bench run`"
        )
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged: its header is not JSON ({error})") from error
    number = content.get("format") if isinstance(content, dict) else None
    if isinstance(number, int) and number > FORMAT:
        raise CheckpointError(
            f"{path} was written by a newer lenet-bench (format {number}, this one reads up to "
            f"{FORMAT}): update lenet-bench"
        )
    if not isinstance(number, int) or not isinstance(content.get("sha256"), str):
        raise CheckpointError(f"{path} is damaged: its header has no format or no sha256")
    return dict(content)


def _header(content: Mapping[str, Any], path: Path) -> Header:
    try:
        own = {name: value for name, value in content.items() if name != "sha256"}
        header = Header.model_validate(migrate.header(own))
    except (ValueError, RecursionError) as error:
        fault = error.errors()[0] if isinstance(error, ValidationError) else None
        where = ".".join(map(str, fault["loc"])) if fault else ""
        other = "nested too deep" if isinstance(error, RecursionError) else str(error)
        what = f"{where or 'as a whole'}: {fault['msg']}" if fault else other
        raise CheckpointError(
            f"{path} is damaged: its header is not right: {one_line(what)}"
        ) from error
    model = header.model
    try:
        known = models.build(model.name, model.input_shape, model.classes, model.options)
    except BenchError as error:
        raise CheckpointError(f"{path} is for another model: {error}") from error
    if replace(model, generator_seed=None) != known:
        unlike = next(
            (
                f"{theirs} where this version has {ours}"
                for theirs, ours in zip(model.layers, known.layers, strict=False)
                if theirs != ours
            ),
            f"{len(model.layers)} layers where this version has {len(known.layers)}",
        )
        raise CheckpointError(
            f"{path} is for another model: its {model.name!r} has {unlike}; use the version "
            f"{header.bench_version} that wrote it"
        )
    return header


def _tensors(file: Any, header: Header, path: Path) -> dict[str, NDArray[np.float32]]:
    """Every tensor; names, shapes and types are held against the header before one is read."""
    shapes = header.model.parameter_shapes()
    wanted: dict[str, Shape] = {f"parameters/{name}": shape for name, shape in shapes.items()}
    for buffer in header.optimizer.buffers:
        wanted |= {f"optimizer/{buffer}/{name}": shape for name, shape in shapes.items()}
    found = set(file.keys())
    unlike = [f"it has no {name}" for name in sorted(wanted.keys() - found)]
    unlike += [f"it has {name}, which is not part of it" for name in sorted(found - wanted.keys())]
    for name in sorted(found & wanted.keys()):
        view = file.get_slice(name)
        got = (view.get_dtype(), tuple(view.get_shape()))
        if got != ("F32", wanted[name]):
            unlike.append(f"{name} is {got[0]} {got[1]} and should be F32 {wanted[name]}")
    if unlike:
        raise CheckpointError(
            f"{path} does not hold the {header.model.name} and the {header.optimizer.name} that "
            f"its header tells of: {unlike[0]} (errors in all: {len(unlike)})"
        )
    return {name: file.get_tensor(name) for name in wanted}


def _require_finite(tensors: Tensors, where: str) -> None:
    for name, value in tensors.items():
        if not np.isfinite(value).all():
            raise CheckpointError(
                f"{where} is of no use: {name} holds values that are not finite; training has "
                "diverged: take an earlier epoch, or a lower learning rate"
            )


def _sha256(content: Mapping[str, Any], tensors: Tensors) -> str:
    """Over the header as JSON with sorted keys, then name, shape and bytes of every tensor."""
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(f"\n{name} {tensors[name].shape}\n".encode())
        digest.update(np.ascontiguousarray(tensors[name], "<f4").tobytes())
    return digest.hexdigest()
