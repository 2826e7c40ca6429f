"""The names that people give the arrays of training and test, and which of them an archive has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Self

from bench.errors import one_line
from bench.workload.datasets.own.dataset import UnfitError

OPTION = "--arrays"
# Between a file and the names of its arrays, in the name of a data set.
_MARK = "#"
WHICH = "TRAIN_IMAGES,TRAIN_LABELS,TEST_IMAGES,TEST_LABELS"


@dataclass(frozen=True, slots=True)
class Names:
    """What the arrays of an archive are called; there may be none for validation."""

    train_images: str
    train_labels: str
    test_images: str
    test_labels: str
    val_images: str | None = None
    val_labels: str | None = None

    def all(self) -> tuple[str, ...]:
        """All four or six, in the order above."""
        return tuple(name for name in astuple(self) if name is not None)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Images and labels: of training, of the test and, where there are some, for validation."""
        every = self.all()
        return tuple(zip(every[::2], every[1::2], strict=True))

    @classmethod
    def given(cls, names: Sequence[str]) -> Self | None:
        """Those that a person gives, in the order of the fields; None where they cannot be that.

        Four or six of them, all different.
        """
        fit = len(names) in (4, 6) and len({*names}) == len(names) and all(names)
        return cls(*names) if fit else None

    def of(self, present: Sequence[str]) -> Self:
        """These themselves, if an archive has them all.

        Raises:
            UnfitError: it lacks some.
        """
        if absent := [name for name in self.all() if name not in present]:
            raise UnfitError(
                f"it lacks {_listed(absent)}; it has {_listed(present)}: give {OPTION} names that "
                "are there"
            )
        return self

    @classmethod
    def found(cls, present: Sequence[str]) -> Self:
        """Those that an archive has whole, of the usual ones; of several sets the first.

        Raises:
            UnfitError: it has none of them whole, or half of a part for validation.
        """
        known = [cls(*names) for names in _KNOWN]
        for names in known:
            if all(name in present for name in names.all()):
                return cls(*names.all(), *_validation(present))
        nearest = max(
            (names.all() for names in known),
            key=lambda names: sum(name in present for name in names),
        )
        absent = [name for name in nearest if name not in present]
        has = _listed(present)
        if len(present) < len(nearest):
            lacks = f"it lacks {_listed(absent)}; " if len(absent) < len(nearest) else ""
            arguments = ", ".join(f"{name}=…" for name in nearest)
            raise UnfitError(
                f"{lacks}it has {has}, where four belong: `np.savez('own.npz', {arguments})`"
            )
        if len(absent) == len(nearest):
            wanted = "; or ".join(", ".join(names.all()) for names in known)
            raise UnfitError(
                f"it has {has}, where {wanted} belong: say which are which, `{OPTION} {WHICH}`"
            )
        typed = ",".join(name if name in present else "NAME" for name in nearest)
        raise UnfitError(
            f"it lacks {_listed(absent)}; it has {has}: give the name that is meant, "
            f"`{OPTION} {typed}`"
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


def joined(file: str, names: Names | None) -> str:
    """A file and the names of its arrays as one text, as in `own.npz#a,b,c,d`."""
    return file if names is None else f"{file}{_MARK}{','.join(names.all())}"


def parted(text: str) -> tuple[str, Names | None]:
    """The file and the names of its arrays, where such follow: what `joined` makes.

    A path may have the mark, too: only four or six names behind the last one are names of arrays.
    """
    file, mark, listed = text.rpartition(_MARK)
    names = Names.given(listed.split(",")) if mark and file else None
    return (text, None) if names is None else (file, names)


def _validation(present: Sequence[str]) -> tuple[str, ...]:
    """The images and labels of a part for validation, or nothing.

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
    return ()


def _listed(names: Iterable[str]) -> str:
    return one_line(", ".join(names)) or "nothing"
