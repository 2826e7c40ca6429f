"""Titles that tell comparisons apart: what they are of, and in what each differs from others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Protocol

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
    "train_size": "{} training images",
    "val_size": "{} validation images",
    "test_size": "{} test images",
    "machine_fingerprint": "machine {}",
    "host": "host {}",
    "env": "variables {}",
    "shares_host": "host shared: {}",
    "resumed_from": "from {}",
    "first_epoch": "from epoch {}",
}
OF_TRAINING = ("epochs", "target_accuracy")


class Titled(Protocol):
    """What has a set-up: a comparison, or a trend."""

    @property
    def setup(self) -> Setup:
        """What its runs have in common."""

    @property
    def trains(self) -> bool:
        """Whether any run trained to the end; others measured speed alone."""


def titles(several: Sequence[Titled]) -> list[Note]:
    """One for each; all are different."""
    alike: dict[str, list[Titled]] = defaultdict(list)
    for one in several:
        alike[repr(notes.title(one.setup))].append(one)
    found: list[Note] = []
    for one in several:
        differing = _differing(alike[repr(notes.title(one.setup))])
        found.append((*notes.title(one.setup), *_told(one, differing)))
    return _numbered(found)


def _values(one: Titled) -> dict[str, Any]:
    """What a set-up has, by name; the settings that words are better for are one of these."""
    setup = one.setup
    of_settings = {
        field.name: getattr(setup.settings, field.name)
        for field in fields(setup.settings)
        if field.name not in settings_text.IN_WORDS
    }
    others = {field.name: getattr(setup, field.name) for field in fields(setup)}
    words = ", ".join(settings_text.words(setup.settings))
    return of_settings | others | {"settings": words or "plain training", "trains": one.trains}


def _differing(group: Sequence[Titled]) -> list[str]:
    """The names of what the set-ups have more than one value of.

    Hosts are told apart by their machines where these are no fewer.
    """
    found = [_values(one) for one in group]
    several = {
        name: len({of[name] for of in found if of["trains"] or name not in OF_TRAINING})
        for name in found[0]
    }
    if several["host"] == several["machine_fingerprint"]:
        several["host"] = 1
    return [name for name, count in several.items() if count > 1]


def _told(one: Titled, differing: Sequence[str]) -> Note:
    fragments: list[str | Given] = []
    values = _values(one)
    for name in differing:
        value = values[name]
        if name == "trains":
            fragments += [] if value else [" · speed only"]
            continue
        if name in OF_TRAINING and not one.trains:
            continue
        if name == "threads" and value == 1:
            fragments += [" · 1 thread"]
            continue
        if name == "settings":
            fragments += [" · ", Given(value, 80)]
            continue
        before, _, after = NAMES.get(name, f"{name.replace('_', ' ')} {{}}").partition("{}")
        if name == "target_accuracy" and value is not None:
            value = f"{100 * value:g} %"
        if isinstance(value, tuple):
            value = ", ".join(map(str, value)) or None
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
