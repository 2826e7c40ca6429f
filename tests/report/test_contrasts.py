"""One family of contrasts: whatever tells two frameworks apart, tells the same of them."""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import tempfile
from html import unescape
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench import stats
from bench.cli.commands.compare import compare as bench_compare
from bench.results.record import Record
from report.analysis.comparison import Comparison, compare
from report.analysis.contrasts import UNTOLD, Contrast, Family, family, within
from report.analysis.samples import METRICS, Metric
from report.build import markdown
from report.figures.gallery import Gallery
from report.formats.html import page
from report.formats.json_document import document
from report.formats.latex import latex
from report.report_data import ReportData
from report.tables import contrast_cells, contrast_tables, throughput_tables
from report.tables.main import probability, ratio
from report.wording.notes import plain_note
from report.wording.summary import verdict
from tests.record_making import changed

NAMES = ("torch", "keras", "flax", "flux", "jax")
FROZEN = Path(__file__).parent / "frozen"
TEMPLATE = Record.model_validate_json((FROZEN / "torch-seed0.json").read_text())
SLACK = 1e-9


def cell(framework: str, block: int, log_speed: float, accuracy: float, run: str = "r") -> Record:
    """A process of a framework; the time to the target follows from the speed."""
    speed = 1e4 * math.exp(log_speed)
    changes: dict[str, Any] = {
        "framework": framework,
        "seed": block % 3,
        "repeat": block // 3,
        "run": run,
        "cell": f"{framework}-{block}",
        "images_per_s": speed,
        "time_to_target_s": 1e5 / speed,
        "time_to_target_with_compile_s": 1 + 1e5 / speed,
        "test_accuracy": accuracy,
    }
    return changed(TEMPLATE, **changes)


class Run(NamedTuple):
    """What is drawn of a run: short, so that a failing example can be read."""

    effects: tuple[float, ...]
    blocks: int
    noise: float
    missing: float
    disturbed: float
    seed: int
    has_baseline: bool

    def records(self) -> list[Record]:
        random = np.random.default_rng(self.seed)
        of_block = random.normal(0, 0.3, self.blocks)
        whole = [
            cell(
                framework,
                block,
                of_block[block] - effect + random.normal(0, self.noise),
                round(0.98 - effect / 100 + random.normal(0, 0.002), 3),
            )
            for framework, effect in zip(NAMES, self.effects, strict=False)
            for block in range(self.blocks)
            if random.random() >= self.missing
        ]
        return [beside_others(one) if random.random() < self.disturbed else one for one in whole]


def beside_others(record: Record) -> Record:
    """The same with other programs on the machine, which take most of its speed."""
    slow = (record.throughput.images_per_s or 0.0) / 26
    changes: dict[str, Any] = {"disturbed": True, "training_disturbed": True}
    return changed(record, images_per_s=slow, time_to_target_s=1e5 / slow, **changes)


runs = st.builds(  # 2 to 5 frameworks; effects from none to huge, noise from little to wild
    Run,
    st.lists(st.sampled_from((0.0, 0.01, 0.1, 0.5, 2.4)), min_size=2, max_size=5).map(tuple),
    st.integers(1, 12),
    st.sampled_from((0.003, 0.03, 0.3, 2.0)),
    st.sampled_from((0.0, 0.1, 0.5)),
    st.sampled_from((0.0, 0.0, 0.2, 0.7)),
    st.integers(0, 2**32),
    st.booleans(),
)


def agrees(contrast: Contrast) -> None:
    """Interval, p and verdict say the same."""
    interval, none = contrast.effect.interval, float(contrast.metric != "test_accuracy")
    if interval is None:
        assert (contrast.p, contrast.verdict) == (None, UNTOLD)
        return
    assert contrast.p is not None
    assert interval.level >= 0.95 - SLACK
    assert interval.low <= contrast.effect.estimate <= interval.high
    leaves_out = not interval.low <= none <= interval.high
    assert leaves_out == (contrast.verdict != UNTOLD)
    if abs(contrast.p - 0.05) > SLACK and interval.high - interval.low > SLACK:
        assert leaves_out == (contrast.p <= 0.05)


def pairs_of(found: Family) -> dict[tuple[str, str], Contrast]:
    """Each framework against each other, both ways."""
    return {
        (found.samples[i].framework, found.samples[j].framework): contrast
        for i, j in permutations(range(len(found.samples)), 2)
        if (contrast := found.contrast(i, j)) is not None
    }


def plain_cell(contrast: Contrast) -> list[str]:
    """Ratio, interval, p and verdict, as a table spells them."""
    return [
        contrast_cells.effect(contrast),
        contrast_cells.bounds(contrast),
        contrast_cells.p_value(contrast),
        contrast.verdict,
    ]


def speed_rows(text: str) -> dict[str, list[str]]:
    """Of the section on speed in Markdown: ratio, interval, p and verdict of each framework."""
    section = text.partition("### Speed\n")[2].partition("###")[0]
    lines = [[one.strip() for one in line.split("|")[1:-1]] for line in section.splitlines()]
    rows = [line for line in lines if len(line) > 1]
    if not rows:
        return {}
    columns = ("Ratio", "95 % (ratio)", "p", "Verdict")
    at = [rows[0].index(name) if name in rows[0] else None for name in columns]
    return {row[0]: ["–" if place is None else row[place] for place in at] for row in rows[2:]}


def said_of(contrast: Contrast) -> str:
    """A ratio, its interval and its p, as a sentence spells them."""
    interval, p = contrast.effect.interval, contrast.p
    if interval is None or p is None:
        return f"{ratio(contrast.effect.estimate)} (too few processes: no interval)"
    shown = probability(p)
    return (
        f"{ratio(contrast.effect.estimate)} (95 % from {ratio(interval.low)} to "
        f"{ratio(interval.high)}, p {shown if shown.startswith('<') else f'= {shown}'})"
    )


def names_in(text: str) -> list[str]:
    return re.split(r", | and | or ", text)


TIMES = re.compile(
    r"(\w+) (?:is|came out) (?:the fastest: )?([\d.,]+) times as fast as (\w+)( \(.*?\))"
)
GROUP = re.compile(rf"^(.*) {UNTOLD} in speed(?:; they are faster than (.*))?\.$")
BEST = re.compile(
    rf"^(\w+) came out fastest, but {UNTOLD} from (.*?)(?:; it is faster than (.*))?\.$"
)
AHEAD = re.compile(r"^(\w+) has the highest median, but block by block (.*) (?:is|are) faster\.$")


def check_headline(headline: str, pairs: dict[tuple[str, str], Contrast]) -> str:
    """Each word of the headline is a verdict; returns which form it had."""
    headline = headline.partition(" Others disturbed ")[0]
    everyone = {one for pair in pairs for one in pair}
    if found := TIMES.match(headline):
        best, other = found[1], found[3]
        assert f"{found[2]}{found[4]}" == said_of(pairs[best, other])
        assert all(pairs[best, one].verdict == "faster" for one in everyone - {best})
        return "fastest"
    if found := BEST.match(headline):
        level, behind = names_in(found[2]), names_in(found[3]) if found[3] else []
        assert {found[1], *level, *behind} == everyone
        assert all(pairs[found[1], one].verdict == UNTOLD for one in level)
        assert all(pairs[found[1], one].verdict == "faster" for one in behind)
        return "came out"
    if found := GROUP.match(headline):
        tied, behind = names_in(found[1]), names_in(found[2]) if found[2] else []
        assert {*tied, *behind} == everyone
        assert all(pairs[pair].verdict == UNTOLD for pair in permutations(tied, 2))
        assert all(pairs[one, other].verdict == "faster" for one in tied for other in behind)
        return "tied"
    if found := AHEAD.match(headline):
        assert all(pairs[one, found[1]].verdict == "faster" for one in names_in(found[2]))
        return "ahead"
    assert headline.endswith("came out fastest, but nothing tells whether that was chance.")
    assert all(one.p is None and one.verdict == UNTOLD for one in pairs.values())
    return "nothing"


def check_report(records: list[Record], baseline: str | None) -> str:
    """Headline, findings, Markdown, LaTeX and JSON have one figure for each pair."""
    (comparison,) = compare(records, baseline)
    pairs = pairs_of(family(comparison, "images_per_s"))
    told = verdict(comparison)
    form = check_headline(plain_note(told.headline).replace("\u00a0", " "), pairs)
    (speed,) = (one for one in told.findings if one.name == "Speed")
    sentences = [plain_note(note).replace("\u00a0", " ") for note in speed.said]
    compared = [(one, found) for one in sentences if (found := TIMES.match(one))]
    for sentence, found in compared:
        contrast = pairs[found[1], found[3]]
        assert f"{found[2]}{found[4]}" == said_of(contrast)
        is_untold = contrast.verdict == UNTOLD
        assert (UNTOLD in sentence) == (" came out " in sentence) == is_untold
    assert comparison.base is not None
    base = comparison.base.framework
    assert len(compared) == len({one for one, _ in pairs}) - 1
    rows, tex = (
        speed_rows(markdown(ReportData(compared=[comparison]))),
        latex(ReportData(compared=[comparison])),
    )
    for framework in {one for one, _ in pairs} - {base}:
        shown = plain_cell(pairs[framework, base])
        assert rows[framework] == shown
        assert " & ".join(one for one in shown[:2] if one != "–").replace("–", "--") in tex
    check_json(comparison, pairs)
    return form


def check_json(comparison: Comparison, pairs: dict[tuple[str, str], Contrast]) -> None:
    (of,) = json.loads(document(ReportData(records=comparison.records, compared=[comparison])))[
        "comparisons"
    ]
    (speed,) = (one for one in of["contrasts"] if one["metric"] == "images_per_s")
    assert 2 * len(speed["contrasts"]) == len(pairs)
    for one in speed["contrasts"]:
        check_values(one, pairs[one["framework"], one["to"]["framework"]])


def check_values(told: dict[str, Any], contrast: Contrast) -> None:
    assert told["effect"]["estimate"] == contrast.effect.estimate
    interval = contrast.effect.interval
    found = told["effect"]["interval"]
    assert (found and (found["low"], found["high"])) == (interval and (interval.low, interval.high))
    assert (told["p_holm"], told["verdict"]) == (contrast.p, contrast.verdict)


def check_compare(records: list[Record], baseline: str | None, *metrics: Metric) -> None:
    """`bench compare` has the figures of the families, as JSON and as a table."""
    (comparison,) = compare(records)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "records").mkdir()
        for record in records:
            path = Path(folder) / "records" / f"{record.identity.cell}.json"
            path.write_text(record.model_dump_json())
        for metric in metrics:
            pairs = pairs_of(family(comparison, metric))
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                bench_compare([Path(folder)], baseline, metric, as_json=True)
            (contest,) = json.loads(printed.getvalue())["contests"]
            base = contest["baseline"]["framework"]
            assert baseline in (None, base)
            assert 2 * contest["comparisons"] == len(pairs)
            check_table(comparison, metric, base)
            for one in contest["standings"]:
                if one["framework"] != base:
                    check_values(one, pairs[one["framework"], base])


def check_table(comparison: Comparison, metric: Metric, base: str) -> None:
    """The table that `bench compare` prints."""
    found = family(comparison, metric)
    to = next(one for one in found.samples if one.framework == base)
    (table,) = contrast_tables.within_section(within(found, to), "").tables
    at = [one for one in table.columns if one.name in ("Ratio", "Difference", "p", "Verdict")]
    for row in table.rows:
        if row.sample.framework != base:
            ratio_, _, p, told = plain_cell(pairs_of(found)[row.sample.framework, base])
            assert {str(one.cell(row)) for one in at} <= {ratio_, p, told}


def test_every_place_tells_the_same() -> None:
    """And the examples are of every kind: else nothing would have been examined."""
    forms = set()

    @settings(max_examples=30, deadline=None, derandomize=True, database=None)
    @given(runs)
    def examined(run: Run) -> None:
        records = run.records()
        clean = [record for record in records if record.is_clean]
        assume(len({record.identity.framework for record in clean}) > 1)
        (comparison,) = compare(records)
        (without,) = compare(clean)
        for metric in METRICS:
            check_family(family(comparison, metric))
        assert by_names(family(comparison, "images_per_s")) == by_names(
            family(without, "images_per_s")
        )
        baseline = clean[-1].identity.framework if run.has_baseline else None
        forms.add(check_report(records, baseline))
        check_compare(records, baseline, METRICS[run.blocks % 3])

    examined()
    assert {"fastest", "tied", "came out"} <= forms


def by_names(found: Family) -> dict[tuple[str, str], Contrast]:
    names = [sample.framework for sample in found.samples]
    return {(names[i], names[j]): contrast for (i, j), contrast in found.contrasts.items()}


def check_family(found: Family) -> None:
    for contrast in pairs_of(found).values():
        agrees(contrast)
    for i, j in permutations(range(len(found.ranks)), 2):
        rank, other = found.ranks[i], found.ranks[j]
        if rank is not None and other is not None and rank < other:
            better = found.contrast(i, j)
            assert better is not None
            assert better.is_better


def test_a_tie_in_front_hides_no_difference_behind_it() -> None:
    """keras is 0.088 of torch; flax, of one process, can be told apart from neither."""
    wobble = [0.06, -0.06, 0.05, -0.05, 0.04, -0.04]
    records = [cell("torch", block, 0.0, 0.98) for block in range(6)]
    records += [cell("keras", at, math.log(0.088) + one, 0.98) for at, one in enumerate(wobble)]
    records.append(cell("flax", 0, -1.0, 0.98))
    (comparison,) = compare(records)
    told = pairs_of(family(comparison, "images_per_s"))["keras", "torch"]
    assert plain_cell(told) == ["0.088", "0.081–0.095", "< 0.001", "slower"]
    headline = plain_note(verdict(comparison).headline)
    assert headline == (
        "torch came out fastest, but cannot be told apart from flax; it is faster than keras."
    )
    assert speed_rows(markdown(ReportData(compared=[comparison])))["keras"] == plain_cell(told)
    undrawn = Gallery([comparison], [], lambda *_: [])
    html = page(
        ReportData(records=records, compared=[comparison]), {}, gallery=lambda: undrawn
    ).html
    text = " ".join(unescape(re.sub("<[^>]*>", " ", html)).split())
    assert "torch came out fastest, but cannot be told apart from flax" in text
    assert " ".join(plain_cell(told)) in text
    assert check_report(records, None) == "came out"
    check_compare(records, None, *METRICS)


@pytest.mark.parametrize("baseline", [None, "torch", "keras", "flux"])
def test_the_baseline_chooses_pairs_and_changes_none(
    windows: list[Record], baseline: str | None
) -> None:
    at_64 = [record for record in windows if record.identity.batch_size == 64]
    (comparison,), (plain,) = compare(at_64, baseline), compare(at_64)
    assert pairs_of(family(comparison, "images_per_s")) == pairs_of(family(plain, "images_per_s"))


def test_the_best_median_may_be_slower_block_by_block() -> None:
    """keras has the fast blocks alone, but loses each of those that both have."""
    of_block = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
    records = [cell("keras", at, one, 0.98) for at, one in enumerate(of_block)]
    records += [
        cell("torch", at, one + 0.1 + at / 1000, 0.98) for at, one in enumerate(of_block[:7])
    ]
    (comparison,) = compare(records)
    assert plain_note(verdict(comparison).headline) == (
        "keras has the highest median, but block by block torch is faster."
    )
    assert check_report(records, None) == "ahead"


def test_too_few_pairs_tell_nothing_and_how_many_would() -> None:
    records = [
        cell(name, block, -effect + wobble * effect * 20, 0.98)
        for name, effect in (("torch", 0.0), ("keras", 0.1), ("flax", 0.2))
        for block, wobble in enumerate((0.1, -0.1, 0.05))
    ]
    (comparison,) = compare(records)
    section = throughput_tables.section(comparison)
    assert section is not None
    assert "3 here, by which Student's t decides; from 7 on signed ranks do." in " ".join(
        map(plain_note, section.notes)
    )
    assert check_report(records, None) == "tied"


def test_accuracies_and_times_have_verdicts_in_their_own_words() -> None:
    records = [
        cell(name, block, speed + block / 1000 * speed, 0.9 + speed / 20 + 0.001 * (block % 4))
        for name, speed in (("torch", 1.0), ("keras", 0.5))
        for block in range(8)
    ]
    (comparison,) = compare(records)
    found = {metric: pairs_of(family(comparison, metric)) for metric in METRICS}
    assert {metric: pairs["torch", "keras"].verdict for metric, pairs in found.items()} == {
        "images_per_s": "faster",
        "time_to_target": "faster",
        "test_accuracy": "more accurate",
    }
    assert found["time_to_target"]["torch", "keras"].effect.estimate < 1
    said = {one.name: " ".join(map(plain_note, one.said)) for one in verdict(comparison).findings}
    assert "torch is ahead of keras by more than seeds explain." in said["Accuracy"]
    assert "torch gets there first, as far as can be told." in said["Time to target"]


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.2), (0.8, 1.0)])
def test_an_interval_that_ends_at_no_effect_tells_nothing(low: float, high: float) -> None:
    interval = stats.Interval((low + high) / 2, low, high, 0.95, "signed ranks")
    effect = stats.Effect((8,), interval.estimate, interval, 0.05, "signed ranks")
    assert Contrast("images_per_s", effect, 0.05).verdict == UNTOLD
