"""Weights that travel, on the command line: saved, predicted with, gone on from."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import frameworks
from bench.results import checkpoint
from bench.workload import datasets, normalisation
from tests.cli.conftest import Bench
from tests.record_making import field

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = {name for name in os.environ.get("BENCH_REQUIRE", "").split(",") if name}
DEFAULT = [framework for framework in frameworks.built_in() if framework.default]
INSTALLED = [f.name for f in DEFAULT if f.name in REQUIRED or not frameworks.missing(f)]
# Part of the way gone in 8 steps, in the Euclidean norm: MOVED_OVER_KINKS of up to 20 steps in
# tests/parity/test_training.py, for the reasons that stand there.
MOVED = 2e-2


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data, decoded) -> Path:
    """A checkpoint of the second of three epochs."""
    bench = Bench(tmp_path_factory.mktemp("trained"), data, decoded)
    done = bench.run("reference", "--save", "none", "--save-every", "2")
    assert done.returncode == 0, done.stderr
    (path,) = (bench.only_run() / "checkpoints").iterdir()
    return path


def test_the_best_is_saved_and_listed(bench):
    done = bench.run("reference", "--json")
    (record,) = json.loads(done.stdout)["records"]
    (name,) = record["weights"]["checkpoints"]
    best = 1 + int(np.argmax(record["learning"]["val_accuracy"]))
    accuracy = record["learning"]["val_accuracy"][best - 1]
    assert name == f"digits_reference_seed0_epoch{best}_acc{accuracy:.4f}.safetensors"
    header = checkpoint.read(bench.only_run() / "checkpoints" / name).header
    assert header.val_accuracy == accuracy
    assert header.data_sha256 == record["provenance"]["data_sha256"]
    assert list(header.mean) == record["trained_with"]["mean"]


def test_nothing_is_saved_where_nothing_is_asked_for(bench):
    record = bench.records("reference", "--save", "none")["reference"]
    assert record["weights"]["checkpoints"] == []
    assert not list((bench.only_run() / "checkpoints").iterdir())


def test_a_killed_cells_checkpoint_is_listed_and_set_aside(bench):
    record = bench.records("killed")["killed"]
    assert record["status"]["outcome"] == "failed"
    (name,) = record["weights"]["checkpoints"]
    folder = bench.only_run()
    assert checkpoint.read(folder / "checkpoints" / name).header.epoch == 1
    bench("run", "--resume", str(folder))
    assert (folder / "attempts" / name.replace(".safetensors", ".1.safetensors")).exists()


def test_a_folder_that_takes_no_checkpoint_loses_no_cell(bench):
    done = bench.run("killed")  # a run of which a cell is left to do
    folder = bench.only_run()
    for path in (folder / "checkpoints").iterdir():
        path.unlink()
    (folder / "checkpoints").rmdir()
    (folder / "checkpoints").write_text("a file in its place")
    done = bench("run", "--resume", str(folder), "--json")
    (record,) = json.loads(done.stdout)["records"]
    assert "SIGKILL" in record["status"]["reason"]  # and not what became of the checkpoint
    assert "could not be written" in record["weights"]["checkpoint_error"]
    assert len(record["timing"]["epoch_s"]) == 1


def test_predict_on_its_own_test_images(bench, trained):
    done = bench("predict", "--checkpoint", str(trained), "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    (result,) = document["results"]
    assert result["framework"] == document["trained_in"] == "reference"
    assert document["images"] == 60
    assert document["what"] == "60 test images of the split of seed 0 of digits"
    table = bench("predict", "--checkpoint", str(trained), "--framework", "reference")
    assert f"{result['accuracy']:.2%}" in table.stdout


def test_predicted_accuracy_is_that_of_the_run(bench):
    record = bench.records("reference", "--save", "last")["reference"]
    (name,) = record["weights"]["checkpoints"]
    path = bench.only_run() / "checkpoints" / name
    assert checkpoint.read(path).header.test_accuracy == record["learning"]["test_accuracy"]
    document = json.loads(bench("predict", "--checkpoint", str(path), "--json").stdout)
    (result,) = document["results"]
    assert result["accuracy"] == record["learning"]["test_accuracy"]
    assert result["loss"] == pytest.approx(record["learning"]["test_loss"], rel=1e-5)


def test_image_files_get_the_class_of_the_same_images(bench, trained, data, tmp_path):
    digits = datasets.load("digits", data, (8, 8), "resize")
    paths = []
    for row in range(6):
        paths.append(tmp_path / f"[{row}].png")  # brackets, which are no markup
        Image.fromarray(digits.train_images[row, ..., 0]).save(paths[-1])
    done = bench("predict", "--checkpoint", str(trained), "--json", *map(str, paths))
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["results"]
    assert [row["file"] for row in rows] == list(map(str, paths))

    from impls.reference.adapter import ReferenceAdapter

    found = checkpoint.read(trained)
    header, adapter = found.header, ReferenceAdapter()
    adapter.build(header.model, found.parameters, header.optimizer, "cpu", 1)
    fitted = datasets.load("digits", data, (32, 32), "resize").train_images[:6]
    pixels = normalisation.normalise(np.asarray(fitted), header.mean, header.std)
    logits = adapter.predict(pixels).astype(float)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for row, share in zip(rows, shares, strict=True):
        assert row["class"] == str(share.argmax())
        assert row["probability"] == pytest.approx(share.max(), rel=1e-6)
        assert row["runner_up"] == str(np.argsort(share)[-2])
    table = bench("predict", "--checkpoint", str(trained), *map(str, paths))
    assert "[3].png" in table.stdout
    assert f"{rows[3]['probability']:.2%}" in table.stdout


def test_images_that_look_like_negatives_get_a_hint(bench, trained, data, tmp_path):
    digits = datasets.load("digits", data, (8, 8), "resize")
    for row in range(6):
        Image.fromarray(255 - digits.train_images[row, ..., 0]).save(tmp_path / f"{row}.png")
    paths = [str(tmp_path / f"{row}.png") for row in range(6)]
    call = ("predict", "--checkpoint", str(trained), *paths)
    hint = bench(*call).stderr
    assert "these images are far brighter than those for training" in hint
    assert "give --invert" in hint
    assert "brighter" not in bench(*call, "--invert").stderr


@pytest.mark.parametrize("columns", [None, "60", "80"])
def test_the_names_of_image_files_are_never_cut(bench, trained, data, tmp_path, columns):
    """In a pipe they are on one line; where there is no room they are broken."""
    path = tmp_path / f"{'digit-' * 12}.png"
    image = datasets.load("digits", data, (8, 8), "resize").train_images[0, ..., 0]
    Image.fromarray(image).save(path)
    del bench.env["COLUMNS"]
    bench.env |= {"COLUMNS": columns} if columns else {}
    text = bench("predict", "--checkpoint", str(trained), str(path)).stdout
    assert "…" not in text
    if columns is None:
        assert str(path) in text
    else:
        begun = [line.split()[0] for line in text.splitlines() if line.strip()]
        assert str(path) in "".join(begun)


def test_batches_change_nothing(bench, trained):
    call = ("predict", "--checkpoint", str(trained), "--json")
    whole, small = (json.loads(bench(*call, "--batch-size", size).stdout) for size in ("1000", "7"))
    assert small["results"][0]["wrong"] == whole["results"][0]["wrong"]
    assert small["results"][0]["loss"] == pytest.approx(whole["results"][0]["loss"], rel=1e-6)


def test_a_sheet_of_what_was_mistaken(bench, trained, tmp_path):
    sheet = tmp_path / "new" / "sheet.svg"
    call = ("predict", "--checkpoint", str(trained), "--json", "--mistakes")
    told = json.loads(bench(*call, str(sheet)).stdout)
    wrong = told["results"][0]["wrong"]
    assert told["mistakes"] == {"path": str(sheet), "count": wrong, "written": min(16, wrong)}
    texts = "".join(re.findall(r"<text[^>]*>(.*?)</text>", sheet.read_text()))
    assert len(re.findall(r"reference: \d, \d+%", texts)) == min(16, wrong) > 0
    drawn = bench(*call[:-2], "--mistakes", str(tmp_path / "sheet.png"))
    assert f"{wrong} images mistaken by a framework: wrote" in drawn.stdout
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width > 500


def test_a_folder_of_what_was_mistaken(bench, trained, data, tmp_path):
    """A file each; of images in folders of classes, too, which are those of the data set."""
    call = ("predict", "--checkpoint", str(trained), "--json", "--mistakes")
    told = json.loads(bench(*call, str(tmp_path / "mistakes")).stdout)
    files = sorted((tmp_path / "mistakes").iterdir())
    assert len(files) == told["results"][0]["wrong"] == told["mistakes"]["written"] > 0
    for path in files:
        _, label, _, said, share = path.stem.split("_")
        assert label != said
        assert 0.1 <= float(share) <= 1

    digits = datasets.load("digits", data, (8, 8), "resize")
    for row in range(40):
        of_class = tmp_path / "classes" / str(digits.train_labels[row])
        of_class.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits.train_images[row, ..., 0]).save(of_class / f"{row}.png")
    (tmp_path / "classes" / ".ipynb_checkpoints").mkdir()
    own = tmp_path / "own"
    done = bench(*call, str(own), str(tmp_path / "classes"))
    assert done.stderr == "passed over: .ipynb_checkpoints\n"
    found = json.loads(done.stdout)
    assert [row["true_class"] for row in found["results"]] == [
        Path(row["file"]).parent.name for row in found["results"]
    ]
    wrong = [row for row in found["results"] if row["class"] != row["true_class"]]
    assert found["scores"][0]["wrong"] == found["mistakes"]["count"] == len(wrong) > 0
    assert {tuple(path.stem.split("_")[1:-1]) for path in own.iterdir()} == {
        (Path(row["file"]).stem, row["true_class"], "as", row["class"]) for row in wrong
    }


def test_mistakes_refused(refused, trained, tmp_path):
    image = tmp_path / "image.png"
    Image.new("L", (8, 8)).save(image)
    call = ("predict", "--checkpoint", str(trained))
    assert "ends in .png or .svg" in refused(*call, "--mistakes", "sheet.pdf")
    assert "is a folder already" in refused(*call, "--mistakes", str(_folder(tmp_path / "a.png")))
    assert "true classes" in refused(*call, str(image), "--mistakes", str(tmp_path / "out"))
    assert "--batch-size" in refused(*call, "--batch-size", "0")
    assert "not both" in refused(*call, str(image), str(tmp_path))
    assert "holds no folders" in refused(*call, str(_folder(tmp_path / "empty")))
    assert "the folder 'cats'" in refused(*call, str(_folder(tmp_path / "own" / "cats").parent))
    text = _folder(tmp_path / "bad" / "7") / "text.png"
    text.write_text("no image")
    complaint = refused(*call, str(tmp_path / "bad"))
    assert "text.png cannot be read as an image" in complaint


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_predict_refuses(refused, trained, tmp_path):
    image = tmp_path / "image.png"
    Image.new("L", (8, 8)).save(image)
    text = tmp_path / "text.png"
    text.write_text("no image")
    call = ("predict", "--checkpoint", str(trained))
    assert "does not exist" in refused("predict", "--checkpoint", str(tmp_path / "none"))
    assert "no safetensors file" in refused("predict", "--checkpoint", str(image))
    assert "unknown framework 'pytorch'" in refused(*call, "--framework", "pytorch")
    assert "is empty" in refused(*call, "--framework", ",")
    assert "unknown device" in refused(*call, "--device", "tpu")
    assert "cannot be used together" in refused(*call, "--dataset", "digits", str(image))
    assert "--invert is for image files" in refused(*call, "--invert")
    assert "cannot be read as an image" in refused(*call, str(image), str(text))
    assert "unknown data set" in refused(*call, "--dataset", "minst")
    assert "mnist" in refused(*call, "--dataset", "mnist", "--data-root", str(tmp_path))
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(trained.read_bytes()[:-1])
    assert "not a whole one" in refused("predict", "--checkpoint", str(torn))


def test_a_framework_that_is_not_here(bench, trained):
    done = bench("predict", "--checkpoint", str(trained), "--framework", "reference,absent")
    assert done.returncode == 2
    assert "absent cannot predict here: a_module_that_nobody_has is not installed" in done.stderr
    assert "Traceback" not in done.stderr
    broken = bench("predict", "--checkpoint", str(trained), "--framework", "broken")
    assert broken.returncode == 2
    assert "libfaulty.so.1" in broken.stderr


def test_another_data_set_of_as_many_classes(bench, refused, trained, tmp_path):
    arrays = {
        "x_train": np.zeros((20, 8, 8), np.uint8),
        "y_train": np.arange(20) % 10,
        "x_test": np.zeros((30, 8, 8), np.uint8),
        "y_test": np.arange(30) % 10,
    }
    np.savez(tmp_path / "own.npz", **arrays)
    call = ("predict", "--checkpoint", str(trained), "--dataset")
    done = bench(*call, f"npz:{tmp_path / 'own.npz'}", "--json")
    assert json.loads(done.stdout)["results"][0]["accuracy"] == 0.1  # black: one class for all
    np.savez(tmp_path / "own.npz", **arrays | {"x_test": np.zeros((30, 64), np.uint8)})
    done = bench(*call, f"npz:{tmp_path / 'own.npz'}", "--json")
    assert "taken are x_test uint8 (N, 64) as uint8 (N, 8, 8, 1) (rows as squares)" in done.stderr
    np.savez(
        tmp_path / "own.npz",
        **arrays | {"y_train": np.arange(20) % 7, "y_test": arrays["y_test"] % 7},
    )
    named = ("--arrays", "x_train,y_train,x_test,y_test")
    complaint = refused(*call, f"npz:{tmp_path / 'own.npz'}", *named)
    assert "has 1 channel(s) and 7 classes" in complaint


def go_on(bench, path: Path, *arguments: str):
    out = ("--out", str(bench.out.parent / "rest"), "--threads", "1")
    return bench("run", "--from", str(path), *out, *arguments)


def test_going_on_takes_everything_from_the_checkpoint(bench, trained):
    run = trained.parents[1]
    whole = json.loads((run / "records" / "reference-cpu-seed0.json").read_text())
    done = go_on(bench, trained, "--epochs", "3", "--json", "--format", "csv")
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)["records"]
    assert record["weights"]["resumed_from"] == trained.name
    assert record["weights"]["resumed_framework"] == "reference"
    assert (
        record["settings"]["epochs"],
        record["learning"]["first_epoch"],
        len(record["timing"]["epoch_s"]),
    ) == (3, 3, 1)
    assert record["settings"]["target_accuracy"] is None
    assert record["timing"]["time_to_target_s"] is None
    for name in ("split_sha256", "order_sha256", "batch_size", "train_size", "optimizer"):
        assert field(record, name) == field(whole, name), name
    assert record["learning"]["train_loss"] == pytest.approx(
        whole["learning"]["train_loss"][2:], rel=1e-5
    )
    (row,) = [
        line.split(",")
        for path in (bench.out.parent / "rest").glob("*/epochs.csv")
        for line in path.read_text().splitlines()[1:]
    ]
    assert row[4] == "3"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "--epochs is missing"),
        (("--epochs", "2"), "--epochs 2 is too small"),
        (("--epochs", "4", "--lr", "0.5"), "--lr is 0.001 in it, not 0.5"),
        (("--epochs", "4", "--batch-size", "9"), "--batch-size is 16 in it, not 9"),
        (("--epochs", "4", "--seeds", "0,1"), "--seeds is 0 in it, not 0,1"),
        (("--epochs", "4", "--optimizer", "sgd"), "--optimizer is adam in it, not sgd"),
        (("--epochs", "4", "--dataset", "mnist"), "--dataset is digits in it, not mnist"),
        (("--epochs", "4", "--mean", "0.1"), "--mean is the training split's in it, not 0.1"),
        (("--epochs", "4", "--target", "0.9"), "--target does not apply"),
        (("--epochs", "4", "--resume", "somewhere"), "cannot be used together"),
    ],
)
def test_going_on_refuses(refused, trained, arguments, complaint):
    assert complaint in refused("run", "--from", str(trained), *arguments)


def test_the_same_options_are_no_contradiction(bench, trained):
    done = go_on(bench, trained, "--epochs", "4", "--lr", "1e-3", "--seeds", "0", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert str(trained) in done.stdout


def _last(bench, folder: Path) -> checkpoint.Checkpoint:
    (path,) = folder.glob("*/checkpoints/*epoch4*")
    return checkpoint.read(path)


@pytest.mark.long
@pytest.mark.skipif(not INSTALLED, reason="no framework is installed")
def test_stopped_in_one_framework_and_gone_on_in_every_other(bench, tmp_path):
    """Epochs 3 and 4 of the same training: bit for bit where it began, and close elsewhere."""
    first = INSTALLED[0]
    bench.run(first, "--epochs", "4", "--save", "last", "--save-every", "2")
    straight = _last(bench, bench.out)
    (half,) = bench.out.glob("*/checkpoints/*epoch2_*")
    whole = json.loads(next(bench.out.glob("*/records/*.json")).read_text())
    begin = checkpoint.read(half).parameters
    for name in (*INSTALLED, "reference"):
        out = tmp_path / name
        done = bench(
            *("run", "--from", str(half), "--frameworks", name, "--epochs", "4"),
            *("--save", "last", "--out", str(out), "--threads", "1", "--json"),
        )
        (record,) = json.loads(done.stdout)["records"]
        assert record["status"]["outcome"] == "ok", record["status"]["reason"]
        assert record["weights"]["resumed_framework"] == first
        assert record["provenance"]["order_sha256"] == whole["provenance"]["order_sha256"]
        found = _last(bench, out)
        assert found.optimizer.steps == straight.optimizer.steps
        for path, want in straight.parameters.items():
            got = found.parameters[path]
            if name == first:
                assert got.tobytes() == want.tobytes(), path
            else:
                error = np.linalg.norm(got - want) / np.linalg.norm(want - begin[path])
                assert error <= MOVED, (name, path, error)


@pytest.mark.long
@pytest.mark.skipif(not INSTALLED, reason="no framework is installed")
def test_every_framework_sees_the_same_in_all_of_mnist(bench, tmp_path):
    """One training's weights in all frameworks: the same classes, logits within 1e-4."""
    real = Path(os.environ.get("LENET_BENCH_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (real / "MNIST" / "raw").is_dir():
        pytest.skip(f"no real MNIST in {real}: set LENET_BENCH_TEST_DATA to a data root")
    (tmp_path / "MNIST").symlink_to(real / "MNIST")
    root = ("--data-root", str(tmp_path))
    bench(
        *("run", "--frameworks", INSTALLED[0], "--dataset", "mnist", "--epochs", "1", *root),
        *("--train-size", "6000", "--seeds", "0", "--out", str(bench.out)),
    )
    (path,) = bench.out.glob("*/checkpoints/*")
    assert path.name.startswith(f"MNIST_{INSTALLED[0]}_seed0_epoch1_acc0.")
    names = ",".join([*INSTALLED, "reference"])
    done = bench("predict", "--checkpoint", str(path), "--framework", names, *root, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    bench.documents.clear()  # rounding decides whether an image's closest classes are among them
    assert document["images"] == 10_000
    for agreement in document["agreement"]:
        assert agreement["largest"] < 1e-4
        for difference in agreement["differing"]:  # a tie but for rounding
            for (_, higher), (_, lower) in difference["closest"]:
                assert higher - lower < 1e-4
