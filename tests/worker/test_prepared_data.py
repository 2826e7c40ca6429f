"""Splitting and normalising."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.config import plan
from bench.errors import DataError
from bench.worker import prepared_data
from bench.workload import datasets, normalisation


def test_statistics_are_those_of_numpy():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (50, 8, 6, 3), dtype=np.uint8)
    mean, std = normalisation.statistics(images)
    np.testing.assert_allclose(mean, (images / 255).mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(std, (images / 255).std(axis=(0, 1, 2)), rtol=1e-12)


def test_normalise_by_hand():
    images = np.array([[[[0, 51]], [[255, 102]]]], dtype=np.uint8)
    out = normalisation.normalise(images, (0.5, 0.2), (0.5, 0.1))
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, [[[[-1, 0]], [[1, 2]]]], atol=1e-6)


def test_a_channel_without_variation_is_only_centred():
    images = np.full((4, 2, 2, 1), 51, dtype=np.uint8)
    mean, std = normalisation.statistics(images)
    assert std[0] == pytest.approx(0, abs=1e-12)
    assert np.abs(normalisation.normalise(images, mean, (0.0,))).max() < 1e-6


@pytest.fixture
def planned(tmp_path: Path):
    def make(**asked):
        source = prepared_data.source(datasets.load("digits", tmp_path, (32, 32), "resize"))
        options = dict(frameworks=("torch",), devices=("cpu",), data_root=tmp_path, **asked)
        return plan.make(options, source)

    return make


def test_parts_of_digits(planned):
    data = prepared_data.prepare(planned(), seed=3)
    assert data.train.images.shape == (1437, 32, 32, 1)
    assert data.train.labels.dtype == np.int32
    assert (len(data.validation.labels), len(data.test.labels)) == (90, 270)
    # The default normalisation leaves the training split with mean 0 and standard deviation 1.
    assert data.train.images.mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)
    assert data.train.images.std(dtype=np.float64) == pytest.approx(1, abs=1e-5)


def test_images_for_validation_of_a_persons_own_are_taken_in_their_order(tmp_path):
    images = np.arange(40, dtype=np.uint8).repeat(16).reshape(40, 4, 4)
    np.savez(
        tmp_path / "own.npz",
        **{"train_images": images[:20], "train_labels": np.arange(20) % 2},
        **{"val_images": images[20:30], "val_labels": np.arange(10) % 2},
        **{"test_images": images[30:], "test_labels": np.arange(10) % 2},
    )
    name = f"npz:{tmp_path / 'own.npz'}"
    source = prepared_data.source(datasets.load(name, tmp_path, (32, 32), "resize"))
    options = {"frameworks": ("torch",), "data_root": tmp_path, "dataset": name, "fit": "resize"}
    own = plan.make({**options, "mean": (0.0,), "std": (1 / 255,), "val_size": 4}, source)
    data = prepared_data.prepare(own, seed=1)
    shown = [round(float(image[0, 0, 0])) for image in data.validation.images]
    assert (shown, data.validation.labels.tolist()) == ([20, 21, 22, 23], [0, 1, 0, 1])
    assert sorted(round(float(image[0, 0, 0])) for image in data.train.images) == list(range(20))
    assert [round(float(image[0, 0, 0])) for image in data.test.images] == list(range(30, 40))


def test_given_numbers_replace_the_training_splits(planned):
    data = prepared_data.prepare(planned(mean=(0.0,), std=(1.0,)), seed=0)
    assert data.train.images.min() == 0
    assert data.train.images.max() == 1
    assert (data.mean, data.std) == ((0.0,), (1.0,))


def test_seeds_change_the_test_part_where_there_is_no_official_one(planned):
    one, two = (prepared_data.prepare(planned(), seed) for seed in (0, 1))
    assert one.split_sha256 != two.split_sha256
    assert not np.array_equal(one.test.labels, two.test.labels)


def test_other_data_than_planned(planned):
    other = planned().model_copy(update={"data_sha256": "0" * 64})
    with pytest.raises(DataError, match="digits has changed since the run was planned"):
        prepared_data.prepare(other, 0)
