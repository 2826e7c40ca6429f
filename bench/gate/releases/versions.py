"""What was typed of releases → versions that can be had, in order; what cannot is named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from bench.config import parsing
from bench.errors import UsageError

TO = ".."


@dataclass(frozen=True, slots=True)
class Bound:
    """A version as it was typed: 2.9 stands for 2.9.0 as a lower end, for all of 2.9 as an upper.

    text     as it was typed
    version  what it says
    """

    text: str
    version: Version

    def is_prefix_of(self, other: Version) -> bool:
        """Whether the other one is of this line of releases, such as 2.9.1 of 2.9."""
        own = self.version.release
        padded = other.release + (0,) * (len(own) - len(other.release))
        return other == self.version or (
            not self.version.pre and not self.version.post and padded[: len(own)] == own
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """versions: public ones, oldest first; left_out: what was asked for and is not there."""

    versions: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def choose(text: str, released: Iterable[str]) -> Chosen:
    """Such as 2.9..2.14, or 2.9.1,2.12,2.13..; among those that are released.

    A single version is the release itself, or else the last one of its line. Before-releases are
    taken where they are named in full. UsageError where that cannot be read, goes backwards, or
    where nothing is left.
    """
    known = sorted({Version(one.partition("+")[0]) for one in released})
    found: set[Version] = set()
    left_out: list[str] = []
    for part in _parts(text):
        low, high = part
        if low is not None and low is high:
            chosen = [one for one in known if one == low.version] or [
                one for one in known if low.is_prefix_of(one) and not one.is_prerelease
            ][-1:]
            left_out += [] if chosen else [low.text]
            found |= set(chosen)
            continue
        within = [one for one in known if _is_within(one, low, high)]
        found |= set(within)
        for bound in (low, high):
            if bound is not None and not any(bound.is_prefix_of(one) for one in known):
                left_out.append(bound.text)
    if not found:
        newest = ", ".join(str(one) for one in known if not one.is_prerelease and one >= known[-1])
        told = f"; the newest release is {newest}" if newest else ""
        raise UsageError(f"no release that fits this Python is within {text!r}{told}")
    return Chosen(tuple(map(str, sorted(found))), tuple(dict.fromkeys(left_out)))


def check(text: str) -> None:
    """UsageError where this is no range or list of versions: before anything is asked for."""
    _parts(text)


def _is_within(one: Version, low: Bound | None, high: Bound | None) -> bool:
    if one.is_prerelease and not any(bound and bound.version == one for bound in (low, high)):
        return False
    above = low is None or one >= low.version
    return above and (high is None or one <= high.version or high.is_prefix_of(one))


def _parts(text: str) -> list[tuple[Bound | None, Bound | None]]:
    """Ends of each range; the same twice for a single version."""
    found: list[tuple[Bound | None, Bound | None]] = []
    for word in parsing.words("releases", text, such_as="2.9..2.14 or 2.9.1,2.12"):
        first, to, last = word.partition(TO)
        low, high = _bound(first, word), _bound(last, word)
        if not to:
            if low is None:
                raise UsageError(f"releases {word!r} cannot be read: give a version such as 2.9.1")
            found.append((low, low))
            continue
        if low is None and high is None:
            raise UsageError(f"releases {word!r} names no version: give two, such as 2.9..2.14")
        if low and high and low.version > high.version and not high.is_prefix_of(low.version):
            raise UsageError(
                f"releases {word!r} goes backwards: give the earlier one first, "
                f"{high.text}{TO}{low.text}"
            )
        found.append((low, high))
    return found


def _bound(text: str, word: str) -> Bound | None:
    text = text.strip()
    if not text:
        return None
    try:
        return Bound(text, Version(text))
    except InvalidVersion as error:
        raise UsageError(
            f"releases {word!r} cannot be read: {text!r} is no version; give a range such as "
            "2.9..2.14, or versions with commas between"
        ) from error


def position(versions: Sequence[str], version: str) -> int:
    """Where a version is in the order of releases."""
    return sorted(versions, key=Version).index(version)
