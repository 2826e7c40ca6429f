"""The title and the card of a report, by hand from few records, and what they may never say."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bench import __version__
from bench.config.run_settings import RunSettings
from bench.results.record import Record
from report.analysis.comparison import compare
from report.analysis.contrasts import family
from report.analysis.throughput import accepting_disturbed
from report.formats.csv_files import csv_files
from report.formats.latex import bibtex
from report.formats.markdown import summary
from report.wording import citation
from report.wording.answer import answer, unranked
from report.wording.card import NAMES, card
from report.wording.notes import plain_note, warnings
from report.wording.report_title import report_title, short_title

Make = Callable[..., Record]
ROOT = Path(__file__).resolve().parents[2]
CLOSE = (1.00, 1.02, 0.98, 1.01, 0.99, 1.00, 1.02, 0.99)
SETTINGS = RunSettings(
    frameworks=("torch", "keras"),
    devices=("cpu",),
    batch_sizes=(128,),
    threads=(2,),
    min_repeats=8,
    max_repeats=8,
)


def title(records: Sequence[Record], baseline: str | None = None) -> str:
    return plain_note(report_title(compare(records, baseline))).replace("\u00a0", " ")


def tiles(records: Sequence[Record]) -> dict[str, tuple[str, str]]:
    """The value of each tile, and what is said below it."""
    (comparison,) = compare(records)
    return {
        one.name: (
            plain_note(one.value),
            " ".join(map(plain_note, one.sure)).replace("\u00a0", " "),
        )
        for one in card(comparison)
    }


@pytest.fixture
def blocks(make: Make) -> Callable[..., list[Record]]:
    """Blocks of a framework, with these images/s."""

    def made(framework: str, *speeds: float, **changes: object) -> list[Record]:
        return [
            make(framework=framework, seed=seed, images_per_s=speed, **changes).model_copy(
                update={"run_settings": SETTINGS}
            )
            for seed, speed in enumerate(speeds)
        ]

    return made


@pytest.fixture
def two(blocks) -> list[Record]:
    """PyTorch twice as fast as Keras, in eight blocks: p = 2/2⁸."""
    return [
        *blocks("torch", *(1000 * one for one in CLOSE)),
        *blocks("keras", *(500 * one for one in CLOSE)),
    ]


def test_what_was_compared_and_the_answer(two) -> None:
    assert title(two) == (
        "torch and keras training lenet5 on mnist, on the CPU: torch is the fastest, 2.000 times "
        "as fast as keras (95 % from 2.000 to 2.000)"
    )
    value, sure = tiles(two)["Fastest"]
    assert value == "torch"
    assert sure.startswith("2.000 times as fast as keras (95 % from 2.000 to 2.000). 1,000 images")


def test_the_processor_is_named(blocks) -> None:
    of = {"machine_instruction_sets": ("avx2",)}
    assert ", on a CPU with AVX2: torch alone: " in title(blocks("torch", 1.0, 2.0, **of))
    assert ", on the GPU: " in title(blocks("torch", 1.0, 2.0, device="gpu"))


def test_where_intervals_cannot_tell_the_title_says_so(blocks) -> None:
    wide = [*blocks("torch", 90, 110, 95, 120, 80, 100), *blocks("keras", 100, 95, 110, 80, 90, 99)]
    assert title(wide).endswith(": torch and keras cannot be told apart in speed")
    assert tiles(wide)["Fastest"][0] == "Cannot be told"
    single = [*blocks("torch", 2.0), *blocks("keras", 1.0)]
    assert title(single).endswith(
        "torch came out fastest, but so few processes do not tell whether that was chance"
    )


def test_what_a_run_has_no_record_of_is_told_loudly(make: Make) -> None:
    """As after Ctrl-C, from which a report is not told apart otherwise."""
    asked = replace(SETTINGS, seeds=(0, 1), min_repeats=3)
    every = [
        make(framework=name, seed=seed, repeat=repeat, batch_size=128, threads=2).model_copy(
            update={"run_settings": asked}
        )
        for seed, repeat in ((0, 0), (1, 0), (0, 1))
        for name in ("torch", "keras")
    ]
    run = every[0].identity.run
    told = {1: "5 of 6 cells of {}", 5: "1 of 6 cells of {}"}
    first = {1: "keras at seed 0. ", 5: "keras at seed 0, repeat 1. "}
    for there, said in told.items():
        (comparison,) = compare(every[:there])
        (loud,) = (plain_note(one) for one in warnings(comparison))
        such = f" have no record here, such as {first[there]}"
        assert loud.startswith("NOT THE WHOLE RUN: " + said.format(run) + such)
    (whole,) = compare(every)
    assert whole.cut == ()


def test_a_run_of_any_number_of_repeats_is_counted_at_once(make: Make) -> None:
    asked = replace(SETTINGS, seeds=(0,), min_repeats=10**12)
    one = make(batch_size=128, threads=2).model_copy(update={"run_settings": asked})
    (comparison,) = compare([one])
    (cut,) = comparison.cut
    assert (cut.cells, cut.missing) == (2 * 10**12, 2 * 10**12 - 1)
    assert (cut.framework, cut.seed, cut.repeat) == ("keras", 0, 0)


def test_a_run_is_whole_though_its_cells_are_in_several_comparisons(make: Make) -> None:
    """Such as of several hosts, or batch sizes."""
    asked = replace(SETTINGS, seeds=(0,), min_repeats=1, batch_sizes=(64, 128))
    every = [
        make(framework=name, batch_size=size, threads=2, machine_fingerprint=64 * f"{size % 7}")
        .model_copy(update={"run_settings": asked})
        for size in (64, 128)
        for name in ("torch", "keras")
    ]  # fmt: skip
    assert [one.cut for one in compare(every)] == [(), ()]
    (first, second) = compare(every[:3])
    assert first.cut == second.cut
    assert (first.cut[0].missing, first.cut[0].framework) == (1, "keras")


def test_of_many_that_are_level_the_title_names_none(blocks) -> None:
    speeds = (90, 110, 95, 120, 80, 100)
    many = [
        one
        for place, name in enumerate(("torch", "keras", "flax", "flux", "lux"))
        for one in blocks(name, *(speeds[place:] + speeds[:place]))
    ]
    assert title(many) == (
        "5 frameworks training lenet5 on mnist, on the CPU: they cannot be told apart in speed"
    )


def test_nothing_disturbed_makes_a_headline(blocks, two) -> None:
    """Neither where it was left out, nor where it counts since a person accepted it."""
    flax = blocks("flax", *(4000 * one for one in CLOSE), disturbed=True)
    for records in ([*two, *flax], accepting_disturbed([*two, *flax])):
        assert title(records).endswith(
            "torch is 2.000 times as fast as keras (95 % from 2.000 to 2.000); "
            "not ranked: flax (disturbed)"
        )
        assert tiles(records)["Fastest"][0] == "Told in part"
    assert "24 processes disturbed" in tiles([*two, *flax])["Fair"][1]


@pytest.mark.parametrize("lacking", [{"certificate": None}, {"unverified": True}])
def test_nothing_without_a_certificate_makes_a_headline(blocks, two, lacking) -> None:
    flax = blocks("flax", *(4000 * one for one in CLOSE), **lacking)
    assert title([*two, *flax]).endswith("; not ranked: flax (without a certificate)")
    assert "the fastest" not in title([*two, *flax])
    assert "2 of 3 frameworks have a certificate; none: flax." in tiles([*two, *flax])["Fair"][1]
    alone = title([*two[:8], *flax])
    assert "only torch has a speed to rank: " in alone


def test_unequal_work_is_not_ranked(two, blocks) -> None:
    other = blocks("keras", *(500 * one for one in CLOSE), order_sha256="0" * 64)
    assert title([*two[:8], *other]).endswith(
        ": not ranked, since order differs between frameworks"
    )
    assert tiles([*two[:8], *other])["Fair"][0] == "No"
    assert tiles([*two[:8], *other])["Time to target"][0] == "Cannot be told"


def test_a_version_with_a_known_defect_is_not_ranked(two, blocks) -> None:
    flax = blocks("flax", *(4000 * one for one in CLOSE), versions={"jaxlib": "0.10.2"})
    assert title([*two, *flax]).endswith("; not ranked: flax (of a version with a known defect)")


def test_nothing_and_failures(failed: Make) -> None:
    assert title([]) == "Benchmark report: no records"
    assert title([failed()]).endswith(": no run succeeded")
    assert tiles([failed()])["Fair"][0] == "Nothing to judge"


def test_several_setups_are_counted(two, blocks) -> None:
    larger = [
        *blocks("torch", *(100 * one for one in CLOSE), batch_size=256),
        *blocks("keras", *(300 * one for one in CLOSE), batch_size=256),
    ]
    level = [
        *blocks("torch", 90, 110, 95, 120, 80, 100, batch_size=512),
        *blocks("keras", 100, 95, 110, 80, 90, 99, batch_size=512),
    ]
    assert title([*two, *larger, *level]).endswith(
        "on the CPU, 3 set-ups: torch is the fastest in 1 of 3, keras in 1; in 1 it cannot be told"
    )
    again = [*blocks("torch", *CLOSE, batch_size=256), *blocks("keras", *CLOSE, batch_size=256)]
    assert "2 set-ups: torch is the fastest in 1 of 2; in 1" in title([*two, *again])
    assert title([*level, *again]).endswith("cannot be told in any of them")
    single = blocks("torch", *CLOSE, batch_size=1024)
    assert title([*two, *single]).endswith("in 1 of 2; in 1 there is nothing to compare")
    alone = [*single, *blocks("torch", *CLOSE, batch_size=2048)]
    assert title(alone).endswith("none of them has two frameworks to compare")
    (comparison,) = compare(single)
    assert plain_note(short_title([comparison])).startswith("torch alone: ")


def test_who_is_called_the_fastest_is_so_by_every_verdict(blocks) -> None:
    """Over made-up runs: with noise, with some disturbed or without a certificate."""
    draw = random.Random(5)
    told = 0
    for _ in range(60):
        records: list[Record] = []
        for name in ("torch", "keras", "flax")[: draw.choice((2, 3))]:
            level = draw.choice((100, 103, 120))
            changes = draw.choice(({}, {}, {}, {"certificate": None}, {"disturbed": True}))
            speeds = [level * draw.gauss(1, draw.choice((0.005, 0.03))) for _ in range(8)]
            records += blocks(name, *speeds, **changes)
        if draw.random() < 0.3:
            records = accepting_disturbed(records)
        (comparison,) = compare(records)
        found, speeds_of = answer(comparison), family(comparison, "images_per_s")
        if found.kind == "told":
            told += 1
            assert not unranked(comparison)
            place = next(
                at
                for at, one in enumerate(speeds_of.samples)
                if found.fastest and one.framework == found.fastest.text
            )
            others = [at for at in range(len(speeds_of.samples)) if at != place]
            for at in others:
                contrast = speeds_of.contrast(place, at)
                assert contrast is not None
                assert contrast.is_better
        else:
            assert "is the fastest" not in title(records)
    assert told > 5  # the draw has some of these


def test_accuracy_comes_with_an_interval_or_a_reason(make: Make, blocks) -> None:
    single = [make(test_accuracy=0.98), make(framework="keras", test_accuracy=0.97)]
    value, sure = tiles(single)["Accuracy"]
    assert (value, sure) == ("97.00 to 98.00 %", "1 seed each: no interval of the difference.")
    several = [
        *(make(seed=seed, test_accuracy=0.98 + seed / 1000) for seed in range(6)),
        *(
            make(framework="keras", seed=seed, test_accuracy=0.97 + seed / 1000)
            for seed in range(6)
        ),
    ]
    value, sure = tiles(several)["Accuracy"]
    assert value == "97.25 to 98.25 %"
    assert re.fullmatch(
        r"torch to keras: a difference of 1\.00 points, 95 % from "
        r"[−\d.]+ to [\d.]+, 6 seeds each; they "
        r"(differ by more than seeds explain|cannot be told apart)\.",
        sure,
    )
    alone = tiles([make(seed=seed, test_accuracy=0.98 + seed / 1000) for seed in range(3)])
    assert re.fullmatch(r"95 % from [\d.]+ to [\d.]+ %, 3 seeds each\.", alone["Accuracy"][1])


def test_time_to_target(make: Make) -> None:
    no_target = tiles([make(target_accuracy=None, time_to_target_s=None)])
    assert no_target["Time to target"][0] == "No target"
    missed = tiles([make(time_to_target_s=None, time_to_target_with_compile_s=None)])
    assert missed["Time to target"][0] == "Not reached"
    both = [
        make(framework=name, seed=seed, time_to_target_s=time * factor)
        for name, time in (("torch", 10.0), ("keras", 20.0))
        for seed, factor in enumerate(CLOSE)
    ]
    value, sure = tiles(both)["Time to target"]
    assert value == "torch, 10.0 s"
    assert sure.startswith("torch: 10.0 s, 95 % from ")
    assert sure.endswith("16 of 16 runs got there. It gets there first.")
    level = [one for one in both if one.identity.seed < 1]
    value, sure = tiles(level)["Time to target"]
    assert value == "from 10.0 s"
    assert "one run: no interval" in sure
    assert sure.endswith("Who gets there first cannot be told.")


def test_the_four_are_always_there(frozen, windows) -> None:
    for comparison in compare([*frozen, *windows]):
        found = card(comparison)
        assert tuple(one.name for one in found) == NAMES
        assert all(plain_note(one.value) and one.sure for one in found)


def test_the_summary_is_whole_markdown(two) -> None:
    text = summary(compare(two), ("Made by hand.",))
    assert text.startswith("### torch and keras training lenet5 on mnist")
    assert text.count("\n| ") == 6
    assert text.rstrip().endswith("Made by hand.")


def test_the_citation_has_the_facts_of_the_file_and_of_the_run(two) -> None:
    """CITATION.cff is YAML, of which the facts are plain scalars, quoted as in TOML."""
    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    facts = dict(re.findall(r"^(?:  - )?(\w+): (.+)$", "\n".join(lines), re.MULTILINE))
    assert tomllib.loads(f"x = {facts['title']}")["x"] == citation.TITLE
    assert tomllib.loads(f"x = {facts['name']}")["x"] == citation.AUTHORS
    assert (facts["version"], facts["license"]) == (__version__, citation.LICENCE)
    compared = compare(two)
    data = csv_files(two)["records.csv"]
    text = plain_note(citation.citation(compared, data))
    run = two[0].identity
    assert f"Run {run.run}, measured on {run.started_at[:10]}: mnist · lenet5 · cpu." in text
    assert re.search(r"SHA-256 of records\.csv: [0-9a-f]{64}\.$", text)
    entry = bibtex(compared, data)
    assert entry.startswith("@software{lenet-bench,\n  title = {{lenet-bench: ")
    assert entry.count("{") == entry.count("}")
