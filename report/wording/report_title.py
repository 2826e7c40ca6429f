"""The title of a report: what was compared, and the answer in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.results.step_profile import Profiles
from bench.workload.datasets.own.npz import names
from report.analysis.comparison import Comparison
from report.analysis.configurations import network
from report.tables.step_profile import TITLE
from report.text import REASON_LIMIT, Given, Note, listed
from report.wording.answer import answer, row_names
from report.wording.cpu_class import on_class

MOST_NAMES = 4  # of frameworks in a title; more are counted
NOTHING = "Benchmark report: no records"


def report_title(comparisons: Sequence[Comparison], profiles: Sequence[Profiles] = ()) -> Note:
    """Frameworks, network, data and processor; and who is the fastest, as far as that is told."""
    if not comparisons:
        return _of_profiles(profiles) if profiles else (NOTHING,)
    what: Note = (
        *_counted(_frameworks(comparisons), "frameworks"),
        " training ",
        *_counted([network(one.setup) for one in comparisons], "networks"),
        " on ",
        *_counted([(_data(one.setup.settings.dataset),) for one in comparisons], "data sets"),
        *_processor(comparisons),
    )
    if len(comparisons) == 1:
        return (*what, ": ", *answer(comparisons[0]).said)
    return (*what, f", {len(comparisons)} set-ups: ", *_of_several(comparisons))


def _of_profiles(profiles: Sequence[Profiles]) -> Note:
    names = dict.fromkeys(one.framework for several in profiles for one in several.profiles)
    return (f"{TITLE}: ", *_counted([(Given(name),) for name in names], "frameworks"))


def short_title(comparisons: Sequence[Comparison]) -> Note:
    """Frameworks and answer alone, where network, data and machine stand beside it."""
    if len(comparisons) != 1:
        return report_title(comparisons)
    told = answer(comparisons[0])
    if told.kind == "alone":  # which begins with the name
        return told.said
    return (*_counted(_frameworks(comparisons), "frameworks"), ": ", *told.said)


def _data(dataset: str) -> Given:
    """A person's own data by the last part of their path, such as `npz:images.npz`."""
    kind, separator, path = dataset.partition(":")
    file, _ = names.parted(path)
    return Given(f"{kind}{separator}{Path(file).name}", REASON_LIMIT)


def _frameworks(comparisons: Sequence[Comparison]) -> list[Note]:
    """Those that have a result; where nobody has, those that tried."""
    tried: list[Note] = []
    came: list[Note] = []
    for one in comparisons:
        names = row_names(one)
        tried += [(name,) for name in names.values()]
        came += [(name,) for row, name in names.items() if row.runs_ok]
        tried += [(Given(record.identity.framework),) for record in one.others]
        came += [
            (Given(record.identity.framework),)
            for record in one.others
            if record.status.outcome == "ok"
        ]
    return came or tried


def _counted(names: Iterable[Note], several: str) -> Note:
    """The distinct ones, or how many they are; of many variants, whose they are."""
    distinct = list(dict.fromkeys(names))
    if several == "frameworks" and len(distinct) > MOST_NAMES:
        kinds = list(dict.fromkeys(_framework_of(name) for name in distinct))
        if len(kinds) < len(distinct):
            return (
                *_counted([(Given(one),) for one in kinds], several),
                f" in {len(distinct)} variants",
            )
    if len(distinct) > MOST_NAMES or (several != "frameworks" and len(distinct) > 2):
        return (f"{len(distinct)} {several}",)
    return listed(distinct, " and ")


def _framework_of(name: Note) -> str:
    """`torch` of `torch:compile`."""
    text = "".join(part.text if isinstance(part, Given) else part for part in name)
    return text.partition(":")[0]


def _processor(comparisons: Sequence[Comparison]) -> Note:
    """`, on a CPU with AVX2`, where all are of one."""
    found = {
        on_class(one) or (" on the GPU" if one.setup.device == "gpu" else " on the CPU",)
        for one in comparisons
    }
    if len(found) > 1:
        return (f", on {len(found)} kinds of processors",)
    return (",", *found.pop())


def _of_several(comparisons: Sequence[Comparison]) -> Note:
    """In how many set-ups which framework is the fastest, and in how many nobody can be told."""
    answers = [answer(one) for one in comparisons]
    found = Counter(one.fastest for one in answers if one.fastest is not None)
    total, alone = len(answers), sum(one.kind == "alone" for one in answers)
    count = sum(one.fastest is None for one in answers) - alone
    if not found and alone == total:
        return ("none of them has two frameworks to compare",)
    if not found:
        return ("which framework is the fastest cannot be told in any of them",)
    parts: list[Note] = []
    for place, (name, often) in enumerate(found.most_common(MOST_NAMES)):
        where = "all of them" if often == total else f"{often} of {total}" if not place else often
        parts.append((name, f"{' is the fastest' * (not place)} in {where}"))
    rest = sum(found.values()) - sum(often for _, often in found.most_common(MOST_NAMES))
    if rest:
        parts.append((f"others in {rest}",))
    untold: Note = (f"; in {count} it cannot be told",) if count else ()
    single: Note = (f"; in {alone} there is nothing to compare",) if alone else ()
    return (*listed(parts), *untold, *single)
