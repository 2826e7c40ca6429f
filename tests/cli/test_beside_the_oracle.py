"""What a run records for the report to show: first steps beside the oracle, and mistakes."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from bench.worker.oracle_losses import MOST_STEPS, count


def test_first_losses_stand_beside_those_of_the_oracle(bench):
    records = bench.records("reference,flipped")
    good, flipped = records["reference"], records["flipped"]
    assert len(good["learning"]["oracle_step_loss"]) == 56 // 16  # full batches of the first epoch
    exact = np.array(good["learning"]["oracle_step_loss"])
    np.testing.assert_allclose(good["learning"]["step_loss"][: len(exact)], exact, rtol=1e-7)
    assert flipped["learning"]["oracle_step_loss"] == good["learning"]["oracle_step_loss"]
    # Kernels that are flipped are another network from the first step on.
    assert abs(flipped["learning"]["step_loss"][0] / exact[0] - 1) > 1e-5


def test_mistakes_add_up_to_the_accuracy(bench):
    done = bench.run("reference", "--seeds", "0,1", "--min-repeats", "3")
    assert done.returncode == 0, done.stderr
    paths = bench.only_run() / "records"
    first, second, repeated = (
        json.loads((paths / f"reference-cpu-{name}.json").read_text())
        for name in ("seed0", "seed1", "seed0-repeat1")
    )
    for record in (first, second):
        counts = np.zeros((10, 10), int)
        for label, predicted, images in record["learning"]["confusion"]:
            counts[label, predicted] = images
        assert counts.sum() == record["settings"]["test_size"] == 60
        assert counts.trace() / 60 == pytest.approx(record["learning"]["test_accuracy"])
        assert record["learning"]["class_names"] == list("0123456789")
        assert record["learning"]["misclassified_among"] <= 60
        for one in record["learning"]["misclassified"]:
            assert one["label"] != one["predicted"]
            assert counts[one["label"], one["predicted"]] > 0
    pictured = [base64.b64decode(one["png"]) for one in first["learning"]["misclassified"][:16]]
    assert all(picture.startswith(b"\x89PNG") for picture in pictured)
    assert not any(
        one["png"] for one in second["learning"]["misclassified"]
    )  # of the first seed only
    assert first["learning"]["oracle_step_loss"]
    assert not second["learning"]["oracle_step_loss"]
    assert not repeated["learning"]["oracle_step_loss"]
    assert not repeated["learning"]["confusion"]


@pytest.mark.parametrize(
    ("batch_size", "steps"), [(16, MOST_STEPS), (128, 50), (512, 12), (9999, 1)]
)
def test_large_batches_have_fewer_steps(batch_size, steps):
    assert count(batch_size) == steps
