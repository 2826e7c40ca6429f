"""The names that people give the arrays of training and test, and which of them an archive has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

from bench.errors import one_line
from bench.workload.datasets.own.dataset import UnfitError


@dataclass(frozen=True, slots=True)
class Names:
    """What the four arrays of an archive are called."""

    train_images: str
    train_labels: str
    test_images: str
    test_labels: str

    def all(self) -> tuple[str, ...]:
        """All four, in the order above."""
        return tuple(getattr(self, field.name) for field in fields(self))

    @property
    def pairs(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Images and labels, of training and test."""
        return (self.train_images, self.train_labels), (self.test_images, self.test_labels)

    @classmethod
    def of(cls, present: Sequence[str]) -> Self:
        """Those that an archive has whole; of several the first.

        Raises:
            UnfitError: it has none of them whole.
        """
        known = [cls(*names) for names in _KNOWN]
        for names in known:
            if all(name in present for name in names.all()):
                return names
        has = one_line(", ".join(present)) or "nothing"
        nearest = max(known, key=lambda names: sum(name in present for name in names.all()))
        absent = [name for name in nearest.all() if name not in present]
        if len(absent) < len(nearest.all()):
            raise UnfitError(f"it lacks {', '.join(absent)}; it has {has}")
        wanted = "; or ".join(", ".join(names.all()) for names in known)
        arguments = ", ".join(f"{name}=…" for name in known[0].all())
        raise UnfitError(
            f"it has {has}, where {wanted} belong: name the arrays, `np.savez('own.npz', "
            f"{arguments})`"
        )


# The first are Keras's, the second scikit-learn's, the third those of archives such as MedMNIST's.
_KNOWN = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("X_train", "y_train", "X_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
)
# Images and labels.
_VALIDATION = (
    *(("x_val", "y_val"), ("X_val", "y_val"), ("x_valid", "y_valid"), ("X_valid", "y_valid")),
    ("val_images", "val_labels"),
)


def validation(present: Sequence[str]) -> tuple[str, str] | None:
    """The images and labels of a part for validation; None where there is none.

    Raises:
        UnfitError: one of the two is there without the other.
    """
    for pair in _VALIDATION:
        if all(name in present for name in pair):
            return pair
    for images, labels in _VALIDATION:
        if (images in present) != (labels in present):
            there, lacking = (images, labels) if images in present else (labels, images)
            raise UnfitError(
                f"it has {there} and lacks {lacking}: give both, or leave both out, and images "
                "for validation are taken from those for training"
            )
    return None
