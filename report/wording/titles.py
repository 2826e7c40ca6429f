"""Titles that tell comparisons apart: what they are of, and in what each differs from others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import fields

from report.analysis.comparison import Comparison
from report.analysis.configurations import Setup
from report.text import Given, Note
from report.wording import notes, settings_text

NAMES = {
    "batch_size": "batch {}",
    "threads": "{} threads",
    "epochs": "{} epochs",
    "learning_rate": "learning rate {}",
    "weight_decay": "weight decay {}",
    "target_accuracy": "target {}",
    "train_images": "{} training images",
    "val_images": "{} validation images",
    "test_images": "{} test images",
    "machine_fingerprint": "machine {}",
    "resumed_from": "from {}",
    "first_epoch": "from epoch {}",
}


def titles(comparisons: Sequence[Comparison]) -> list[Note]:
    """One for each; all are different."""
    alike: dict[str, list[Comparison]] = defaultdict(list)
    for one in comparisons:
        alike[repr(notes.title(one))].append(one)
    found: list[Note] = []
    for one in comparisons:
        differing = _differing(alike[repr(notes.title(one))])
        found.append((*notes.title(one), *_told(one.setup, differing)))
    return _numbered(found)


def _differing(group: Sequence[Comparison]) -> list[str]:
    """The fields of the set-ups of which there is more than one value."""
    names = (field.name for field in fields(Setup))
    return [name for name in names if len({getattr(one.setup, name) for one in group}) > 1]


def _told(setup: Setup, differing: Sequence[str]) -> Note:
    fragments: list[str | Given] = []
    for name in differing:
        value = getattr(setup, name)
        if name == "threads" and value == 1:
            fragments += [" · 1 thread"]
            continue
        before, _, after = NAMES.get(name, f"{name.replace('_', ' ')} {{}}").partition("{}")
        if name == "training":
            fragments += [
                " · ",
                Given(", ".join(settings_text.words(value)) or "plain training", 80),
            ]
            continue
        if name == "target_accuracy" and value is not None:
            value = f"{100 * value:g} %"
        shown = f"{value:g}" if isinstance(value, float) else "none" if value is None else value
        fragments += [f" · {before}", Given(str(shown), notes.SHORT_HASH + 1), after]
    return tuple(fragments)


def _numbered(found: Sequence[Note]) -> list[Note]:
    """With a number behind those that are the same all the same, shortened as they are shown."""
    shown = [notes.plain_note(title) for title in found]
    totals, seen = Counter(shown), Counter[str]()
    numbered = []
    for title, text in zip(found, shown, strict=True):
        seen[text] += 1
        numbered.append((*title, f" ({seen[text]})") if totals[text] > 1 else title)
    return numbered
