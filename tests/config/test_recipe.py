"""Recipes: their files, what is said of a wrong one, and what is typed against them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.config import recipe
from bench.config.published import Published
from bench.errors import UsageError

HEAD = """
title = "Digits"
source = "nobody"
command = "python -m bench reproduce this"
datasets = ["digits"]
"""
WHOLE = f"""{HEAD}
[options]
epochs = 3
batch-size = 64
lr = 1
mean = 0.5
evaluate = ["test"]
schedule = "plateau"
drop-last = true

[[published]]
metric = "test_accuracy"
value = 0.9
"""


@pytest.fixture
def write(tmp_path):
    def to(text: str) -> str:
        (tmp_path / "mine.toml").write_text(text)
        return str(tmp_path / "mine.toml")

    return to


def test_a_recipe_of_ones_own(write):
    found = recipe.read(write(WHOLE))
    assert (found.name, found.datasets) == ("mine", ("digits",))
    assert found.options == {
        "epochs": 3,
        "batch_sizes": (64,),
        "learning_rate": 1.0,
        "mean": (0.5,),
        "evaluate": ("test",),
        "schedule": "plateau",
        "drop_last": True,
    }
    assert found.of("digits") == (Published(metric="test_accuracy", value=0.9),)
    assert found.of("mnist") == ()


def test_a_file_that_begins_with_a_byte_order_mark(write):
    assert recipe.read(write(f"\ufeff{WHOLE}")).options == recipe.read(write(WHOLE)).options


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("title = ", "is no TOML file"),
        (f"title = {'[' * 9000}{']' * 9000}", "is nested too deep to be a recipe"),
        (HEAD.replace('title = "Digits"', ""), "mine.toml: title: Field required"),
        (HEAD.replace('["digits"]', "[]"), "mine.toml: datasets: "),
        (HEAD + "pages = 3", "mine.toml: pages: unknown key: choose from title, source"),
        (HEAD + 'name = "other"', "a recipe has the name of its file"),
        (HEAD + "options = 3", "mine.toml: options: give a table"),
        (HEAD + "[options]\nepoch = 3", "options: unknown option 'epoch' .did you mean 'epochs'"),
        (HEAD + "[options]\ndata-root = '/'", "options: unknown option 'data-root'"),
        (HEAD + "[options]\nunverified = true", "options: unknown option 'unverified'"),
        (HEAD + '[options]\nepochs = "many"', "options.epochs: Input should be a valid integer"),
        (HEAD + "[options]\nepochs = true", "options.epochs: Input should be a valid integer"),
        (HEAD + "[options]\nepochs = 2.5", "options.epochs: .*, not 2.5"),
        (HEAD + "[options]\nlr = 'low'", "options.lr: Input should be a valid number"),
        (HEAD + "[options]\nbatch-size = 'a'", "options.batch-size: .*integer"),
        (
            HEAD + "[options]\nschedule = 'step'",
            "options.schedule: .*'constant' or 'plateau'",
        ),
        (
            HEAD + "[options]\nevaluate = ['val']",
            "options.evaluate: .*'train' or 'test'",
        ),
        (HEAD + "[[published]]\nvalue = 0.9", "published.0.metric: Field required"),
        (
            HEAD + "[[published]]\nmetric = 'test_accuracy'\nvalue = 99.1",
            "published.0: .*99.1 is no accuracy",
        ),
        (
            HEAD + "[[published]]\nmetric = 'test_accuracy'\nvalue = 0.9\nepoch = 2\nbest = true",
            "give an epoch or best = true, not both",
        ),
        (
            HEAD + "[[published]]\nmetric = 'accuracy'\nvalue = 0.9",
            "published.0.metric: Input should be 'val_accuracy'",
        ),
        (
            HEAD + "[[published]]\nmetric = 'test_loss'\nvalue = 0.9\nsource = ''",
            "published.0.source: unknown key: choose from metric, value",
        ),
    ],
    ids=str,
)
def test_a_wrong_file_is_told_with_its_key(write, text, complaint):
    with pytest.raises(UsageError, match=complaint) as error:
        recipe.read(write(text))
    assert "mine.toml" in str(error.value)
    assert "\n" not in str(error.value).strip()


def test_a_recipe_that_is_not_there():
    with pytest.raises(UsageError, match=r"unknown recipe .lenet-suite. .did you mean .lenet5-"):
        recipe.read("lenet-suite")
    with pytest.raises(UsageError, match=r"nowhere\.toml does not exist: give a recipe's file, or"):
        recipe.read("nowhere.toml")


def test_what_is_typed_goes_before_the_recipe(write):
    found = recipe.read(write(WHOLE))
    merged, overridden = recipe.followed(found, {})
    assert (merged["epochs"], merged["learning_rate"]) == (3, 1.0)
    assert "optimizer" not in merged
    assert overridden == ()
    typed = {
        "epochs": 5,
        "seeds": (7,),
        "optimizer": "sgd",
        "dataset": "digits",
        "learning_rate": 1.0,
    }
    merged, overridden = recipe.followed(found, typed)
    assert (merged["epochs"], merged["seeds"], merged["schedule"]) == (5, (7,), "plateau")
    assert overridden == ("--epochs 5 for 3", "--optimizer sgd")


def test_another_data_set_is_a_change(write):
    found = recipe.read(write(WHOLE))
    _, overridden = recipe.followed(found, {"dataset": "mnist"})
    assert overridden == ("--dataset mnist for digits",)
    two = recipe.read(write(WHOLE.replace('["digits"]', '["digits", "mnist"]')))
    merged, overridden = recipe.followed(two, {"dataset": "mnist"})
    assert (merged["dataset"], overridden) == ("mnist", ())


@pytest.mark.parametrize("name", recipe.names())
def test_the_recipes_of_this_project(name):
    found = recipe.read(name)
    assert found.command.startswith(f"python -m bench reproduce {name}")
    assert {one.dataset for one in found.published} <= {None, *found.datasets}
    assert found.options["epochs"] in (10, 20, 50)


def test_their_published_figures():
    assert recipe.names() == [
        *("flux-cifar10", "intro-mnist", "lenet5-suite", "modelzoo-mnist", "simplechains-mnist")
    ]
    suite = {(one.dataset, one.metric): one.value for one in recipe.read("lenet5-suite").published}
    assert suite[("mnist", "val_accuracy")] == 0.9913
    assert suite[("kmnist", "test_accuracy")] == 0.9416
    assert len(suite) == 8
    ends = [one.value for one in recipe.read("modelzoo-mnist").published if one.epoch is None]
    assert ends == [0.9924, 0.9929]
    assert [one.value for one in recipe.read("intro-mnist").published] == [0.974]
    assert recipe.read("flux-cifar10").published == ()
    chains = [one.value for one in recipe.read("simplechains-mnist").published]
    assert chains == [0.9744, 0.9703, 0.9626, 0.9759]


def test_their_files_are_in_the_package():
    assert Path(recipe.__file__).parent / "recipes" == recipe.FOLDER
    assert len(list(recipe.FOLDER.glob("*.toml"))) == 5
