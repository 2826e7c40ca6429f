"""Published against measured, with figures worked by hand."""

from __future__ import annotations

import pytest

from bench.config.published import Published, Reproduced
from bench.stats import prediction_interval
from report.analysis.comparison import compare
from report.build import markdown
from report.report_data import ReportData
from report.tables import reproduction
from tests.record_making import changed

PUBLISHED = (
    Published(metric="val_accuracy", value=0.975, best=True, where="epoch 2"),
    Published(metric="test_accuracy", value=0.97, epoch=1),
    Published(metric="test_accuracy", value=0.9),
    Published(metric="val_accuracy", value=0.1, epoch=0),
    Published(metric="train_loss", value=0.5, epoch=9),
)


def recipe(**changes) -> Reproduced:
    known = {"recipe": "mine", "title": "A title", "source": "somebody", "sha256": "0" * 64}
    return Reproduced(**known | {"published": PUBLISHED} | changes)


@pytest.fixture
def records(make):
    def of(**changes):
        found = []
        for seed, offset in enumerate((-0.001, 0.0, 0.001)):
            figures = {
                "val_accuracy": [0.95, 0.975 + offset, 0.96],
                "test_accuracy_by_epoch": [0.96 + offset, 0.97, 0.98],
                "test_accuracy": 0.98,
                "epoch_0": {"val_accuracy": 0.1 + offset},
                "best_epoch": 2,
            }
            found.append(make(seed=seed, recipe=changes.get("recipe", recipe()), **figures))
        return found

    return of


def rows(records):
    (comparison,) = compare(records)
    return reproduction.held(records[0].provenance.recipe, comparison.records)


def test_each_figure_is_found_where_it_belongs(records):
    best, first, end, before, beyond = rows(records())
    assert best.values == pytest.approx((0.974, 0.975, 0.976))
    assert first.values == pytest.approx((0.959, 0.96, 0.961))
    assert end.values == (0.98, 0.98, 0.98)
    assert before.values == pytest.approx((0.099, 0.1, 0.101))
    assert beyond.values == ()
    assert (beyond.mean, beyond.place) == (None, "–")
    assert best.best_epochs == (2, 2, 2)


def test_the_place_is_that_in_the_interval_of_one_more_run(records):
    """s = 0.001, t(2) = 4.3027, √(1 + 1/3) = 1.1547: ± 0.004968 about 0.96."""
    interval = prediction_interval([0.959, 0.96, 0.961])
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((0.955032, 0.964968), abs=1e-6)
    assert [row.place for row in rows(records())[:3]] == ["within ours", "above ours", "below ours"]
    assert prediction_interval([0.96]) is None


def test_one_seed_has_no_interval(records):
    (best, *_) = rows(records()[:1])
    assert (best.mean, best.place) == (pytest.approx(0.974), "–")


def test_runs_that_follow_no_recipe_have_no_section(make):
    (comparison,) = compare([make()])
    assert reproduction.section(comparison) is None


def test_runs_beside_a_recipe_are_not_held_to_it(records, make):
    several = [*records(), make(seed=9, val_accuracy=[0.1, 0.1, 0.1])]
    (comparison,) = compare(several)
    section = reproduction.section(comparison)
    assert section is not None
    assert len(section.tables[0].rows[0].values) == 3


def test_the_report_says_what_was_published_and_what_was_changed(records):
    text = markdown(ReportData.of(records(recipe=recipe(overridden=("--epochs 2 for 50",)))))
    assert "Published and measured" in text
    assert "97.50 % ± 0.10 %" in text
    assert "-1.00 points" in text
    assert "NOT AS PUBLISHED" in text
    assert "--epochs 2 for 50" in text.replace("&#45;", "-")
    assert "Published once each, hardware unknown" in text
    assert "| epoch 2 |" in text
    assert "<code></code>" not in text  # what has no place in a publication is a dash
    assert "NOT AS PUBLISHED" not in markdown(ReportData.of(records()))


def test_without_published_figures_the_section_says_so(records):
    text = markdown(ReportData.of(records(recipe=recipe(published=()))))
    assert "No figures were published for this data set." in text


def test_a_spread_that_was_published_is_shown(records):
    with_std = (Published(metric="test_accuracy", value=0.98, std=0.002),)
    text = markdown(ReportData.of(records(recipe=recipe(published=with_std))))
    assert "98.00 % ± 0.20 %" in text
    assert "hardware unknown" not in text


@pytest.mark.parametrize(
    ("epoch", "value"), [(2, None), (3, 0.95), (4, 0.975), (5, 0.96), (6, None), (None, 0.96)]
)
def test_epochs_before_a_checkpoint_were_not_measured(records, epoch, value):
    record = changed(records()[1], first_epoch=3)
    published = Published(metric="val_accuracy", value=0.5, epoch=epoch)
    assert reproduction.measured(record, published) == value
