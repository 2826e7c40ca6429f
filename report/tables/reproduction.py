"""The section on a published training: what was published against what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from bench import stats
from bench.config.published import Published, Reproduced
from bench.results.record import Record
from report.analysis.aggregate import by_seed
from report.analysis.comparison import Comparison
from report.analysis.configurations import grouped
from report.tables.main import NONE, Column
from report.tables.sections import Section, saying
from report.text import REASON_LIMIT, Given, Note

METRICS = {
    "val_accuracy": "Validation accuracy",
    "test_accuracy": "Test accuracy",
    "val_loss": "Validation loss",
    "test_loss": "Test loss",
    "train_loss": "Training loss",
}
# The lists of a record by epoch; the scalar test figures are of the end.
BY_EPOCH = {
    "val_accuracy": "val_accuracy",
    "val_loss": "val_loss",
    "train_loss": "train_loss",
    "test_accuracy": "test_accuracy_by_epoch",
    "test_loss": "test_loss_by_epoch",
}


@dataclass(frozen=True, slots=True)
class Held:
    """A published figure, and one framework's, by its seeds.

    place  of the published figure, as for the interval in which one more run of ours would lie
    """

    published: Published
    framework: str
    values: tuple[float, ...]
    best_epochs: tuple[int, ...]

    @property
    def mean(self) -> float | None:
        """Over the seeds."""
        return fmean(self.values) if self.values else None

    @property
    def place(self) -> str:
        """Where the published figure lies."""
        interval = stats.prediction_interval(self.values) if self.values else None
        if interval is None:
            return NONE
        if self.published.value < interval.low:
            return "below ours"
        return "above ours" if self.published.value > interval.high else "within ours"


def section(comparison: Comparison) -> Section | None:
    """Published against measured; None where no run follows a recipe."""
    followers = [one for one in comparison.records if one.provenance.recipe is not None]
    by_recipe = grouped(followers, lambda one: one.provenance.recipe)
    recipes = [one for one in by_recipe if one is not None]
    if not recipes:
        return None
    tables = []
    notes: list[Note] = []
    for recipe in recipes:
        rows = held(recipe, by_recipe[recipe])
        if rows:
            tables.append(saying(_columns(), rows))
        notes += _notes(recipe, rows)
    return Section("Published and measured", tuple(tables), tuple(notes))


def held(recipe: Reproduced, records: Sequence[Record]) -> list[Held]:
    """A row for each published figure and framework."""
    trained = [
        one for one in records if one.status.outcome == "ok" and not one.identity.throughput_only
    ]
    rows = []
    for published in recipe.published:
        for framework, runs in grouped(trained, lambda one: one.identity.framework).items():
            values = by_seed(runs, lambda one, of=published: measured(one, of))  # type: ignore[misc]
            epochs = tuple(
                one.learning.best_epoch for one in runs if one.learning.best_epoch is not None
            )
            rows.append(Held(published, framework, tuple(values.values()), epochs))
    return rows


def measured(record: Record, published: Published) -> float | None:
    """The record's figure of the same kind at the same epoch; None where it was not measured."""
    if published.epoch == 0:
        return record.learning.epoch_0.get(BY_EPOCH[published.metric])
    by_epoch: Sequence[float | None] = getattr(record.learning, BY_EPOCH[published.metric])
    epoch = record.learning.best_epoch if published.best else published.epoch
    if epoch is not None:
        at = epoch - record.learning.first_epoch
        return by_epoch[at] if 0 <= at < len(by_epoch) else None
    if published.best:
        return None
    if published.metric.startswith("test"):
        final: float | None = getattr(record.learning, published.metric)
        return final
    return by_epoch[-1] if by_epoch else None


def _columns() -> list[Column[Held] | None]:
    return [
        Column("Figure", "", _figure, 0, is_text=True),
        Column("Published", "", _published, 0),
        Column("Framework", "", lambda row: Given(row.framework), 0, is_text=True),
        Column("Measured", "", _measured, 0),
        Column("Difference", "", _difference, 1),
        Column("Published is", "", lambda row: row.place, 2, is_text=True),
        Column("Best epochs", "", _best, 4, is_text=True),
        Column("Where", "", _where, 5, is_text=True),
    ]


def _figure(row: Held) -> str:
    of = row.published
    if of.epoch is not None:
        return f"{METRICS[of.metric]}, epoch {of.epoch}"
    return f"{METRICS[of.metric]}, {'best epoch' if of.best else 'at the end'}"


def _published(row: Held) -> str:
    std = row.published.std
    return _value(row, row.published.value) + (f" ± {_value(row, std)}" if std is not None else "")


def _measured(row: Held) -> str:
    if row.mean is None:
        return NONE
    spread = f" ± {_value(row, stdev(row.values))}" if len(row.values) > 1 else ""
    return f"{_value(row, row.mean)}{spread}"


def _difference(row: Held) -> str:
    if row.mean is None:
        return NONE
    difference = row.mean - row.published.value
    if row.published.metric.endswith("accuracy"):
        return f"{100 * difference:+.2f} points"
    return f"{difference:+.4f}"


def _best(row: Held) -> str:
    if not row.published.best:
        return NONE
    return ", ".join(map(str, row.best_epochs)) or NONE


def _where(row: Held) -> Given | str:
    return Given(row.published.where, 60) if row.published.where else NONE


def _value(row: Held, value: float) -> str:
    """An accuracy in per cent, a loss with four places."""
    if row.published.metric.endswith("accuracy"):
        return f"{100 * value:.2f} %"
    return f"{value:.4f}"


def _notes(recipe: Reproduced, rows: Sequence[Held]) -> list[Note]:
    found: list[Note] = [
        (
            "Recipe ",
            Given(recipe.recipe),
            ": ",
            Given(recipe.title, REASON_LIMIT),
            "; published by ",
            Given(recipe.source, REASON_LIMIT),
            ".",
        )
    ]
    if recipe.overridden:
        typed = "; ".join(recipe.overridden)
        found.append(("NOT AS PUBLISHED: run with ", Given(typed, REASON_LIMIT), "."))
    if not recipe.published:
        found.append(("No figures were published for this data set.",))
        return found
    if all(one.std is None for one in recipe.published):
        found.append(
            (
                "Published once each, hardware unknown: nothing tells how far another run of "
                "theirs would have been from it.",
            )
        )
    counts = sorted({len(row.values) for row in rows if row.values})
    if counts and counts[-1] > 1:
        found.append(
            (
                f"Measured: mean ± sample standard deviation over {_listed(counts)} seeds. "
                "Published is: within, above or below the interval in which one more run of ours "
                "would lie, 95 %, mean ± t · s · √(1 + 1/n).",
            )
        )
    elif counts:
        found.append(("Measured: one seed, so no ± and no interval.",))
    return found


def _listed(counts: Sequence[int]) -> str:
    return " or ".join(map(str, counts))
