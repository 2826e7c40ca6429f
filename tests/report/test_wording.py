"""What a report says of many small comparisons, word for word: of each what none said before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.results.record import Record, Throughput
from report.analysis.comparison import compare
from report.analysis.regimes import cases, pairs
from report.tables import regime_tables
from report.tables.contents import below
from report.tables.main import columns
from report.tables.sections import Section
from report.text import Note
from report.wording import notes
from report.wording.methods import protocol
from report.wording.notes import plain_note
from report.wording.summary import verdict
from report.wording.titles import titles
from tests.golden_texts import assert_golden
from tests.record_making import changed

GOLDEN = Path(__file__).parent / "golden" / "wording.txt"
Make = Callable[..., Record]
CLOSE = (1.00, 1.02, 0.98, 1.01, 0.99, 1.00, 1.02, 0.99)
SETTINGS: tuple[dict[str, Any], ...] = (
    {"schedule": "plateau", "factor": 0.5, "patience": 3, "floor": 1e-5},
    {"schedule": "plateau", "factor": 0.1, "patience": 5, "floor": 1e-6, "monitor": "test"},
    {"monitor": "test"},
    {"stop_at": 0.99},
    {"stop_patience": 4, "ties": "last"},
    {"init": "keras"},
    {"init": "he_normal", "bias_init": "zeros"},
    {"split": "last", "order": "file", "drop_last": True},
    {"deterministic": True, "first": 5000},
    {"test_mean": (0.1,), "test_std": (0.3,)},
    {"mean": (0.5,), "std": (0.25,)},
    {"mean": (0.5,)},
    {"evaluate": ("train", "test"), "epoch_zero": True, "val_every": 50},
    {"target_accuracy": None},
    {"epochs": 1, "optimizer": "adam"},
    {"dropout": 0.5, "noise": 0.1, "activation": "selu", "pooling": "average"},
)
UNEQUAL = (
    *("split_sha256", "order_sha256", "initial_weights_sha256", "data_sha256", "draws_sha256"),
    "parameters",
)


def pair(make: Make, **changes: Any) -> list[Record]:
    """Two frameworks, of which the second has these changes."""
    return [make(), make(framework="keras", **changes)]


def blocks(make: Make, framework: str, factor: float, **changes: Any) -> list[Record]:
    return [
        make(framework=framework, seed=seed, images_per_s=1000 * factor * speed, **changes)
        for seed, speed in enumerate(CLOSE)
    ]


def uncertain(make: Make, **changes: Any) -> Record:
    """With a certificate whose first check has these changes."""
    certificate = make().provenance.model_dump()["certificate"]
    first, *others = certificate["checks"]
    return make(certificate=certificate | {"checks": [first | changes, *others]})


def comparisons(make: Make, failed: Make) -> Iterator[tuple[str, list[Record]]]:
    yield "none", []
    yield "alone, one seed", [make()]
    yield "alone, two seeds", [make(), make(seed=1, test_accuracy=0.99)]
    yield "two, one seed", pair(make)
    yield "seeds differ", [make(), make(seed=1), make(framework="keras", seed=2)]
    fast, slow = blocks(make, "torch", 1.0), blocks(make, "keras", 0.5)
    yield "one is faster", [*fast, *slow]
    yield "as fast", [*fast, *blocks(make, "keras", 1.0)]
    level = blocks(make, "keras", 1.0)[::-1]
    turned = [
        make(framework="keras", seed=seed, images_per_s=one.throughput.images_per_s)
        for seed, one in enumerate(level)
    ]
    yield "cannot be told apart", [*fast, *turned]
    yield "and a third is slower", [*fast, *turned, *blocks(make, "flax", 0.3)]
    yield "three, each slower than the other", [*fast, *slow, *blocks(make, "flax", 0.25)]
    yield "two versions", [*fast, *blocks(make, "torch", 0.5, framework_version="9.9")]
    wide = [make(seed=n, images_per_s=s) for n, s in enumerate((100.0, 900.0, 500.0, 250.0))]
    yield "widely scattered", wide
    high = blocks(make, "torch", 1.0, test_accuracy=0.99)
    yield "more accurate", [*high, *blocks(make, "keras", 1.0, test_accuracy=0.95)]
    for name in UNEQUAL:
        other: Any = 7 if name == "parameters" else "f" * 64
        yield f"other {name}", pair(make, **{name: other})
        yield f"no {name}", pair(make, **{name: None})
    yield "no certificate", pair(make, certificate=None)
    yield "unverified", pair(make, certificate=None, unverified=True)
    yield "beyond a bound", [uncertain(make, error=1.0, where="conv1/kernel")]
    yield "not finite", [uncertain(make, error=None)]
    yield "a check left out", [uncertain(make, error=None, left_out="it has none")]
    yield "fields left out", pair(make, left_out={"test_loss": "no loss", "val_loss": "no loss"})
    missed: dict[str, Any] = {
        **dict.fromkeys(("time_to_target_s", "time_to_target_with_compile_s", "steps_to_target"))
    }
    yield "never at the target", pair(make, **missed)
    yield "one of two at the target", [make(), make(seed=1, **missed)]
    for outcome in ("failed", "diverged", "timeout", "unavailable", "not-equivalent"):
        yield outcome, [make(), failed(framework="keras", outcome=outcome)]
    yield "failed twice", [make(), *(failed(framework="keras", seed=seed) for seed in (0, 1))]
    yield "nothing but failures", [failed(), failed(framework="keras", reason=None)]
    yield "native alone", [make(regime="native")]
    yield "warned", pair(make, warnings=["another program took 1.2 CPUs"])
    yield "all warned", [make(warnings=["hot"]), make(framework="keras", warnings=["hot"])]
    gpu = {"machine_gpu": "NVIDIA X", "machine_gpu_driver": "1.2", "device": "gpu"}
    yield "on a GPU", [make(**gpu, peak_device_bytes=2**30)]
    yield "a quota", [make(machine_cpu_quota=1.5, machine_cpu=None)]
    yield "resumed", [make(resumed_from="a.safetensors", resumed_framework="flax", first_epoch=3)]
    yield "stopped early", pair(make, stopped_early="converged")
    yield "speed alone", [make(throughput_only=True, target_accuracy=None, test_accuracy=None)]
    yield "several threads", [make(threads=4, repeat=1)]
    for settings in SETTINGS:
        yield f"{settings}", [make(**settings)]


def partly(make: Make, failed: Make, windows: list[Record]) -> Iterator[tuple[str, list[Record]]]:
    """Some records have what others lack."""
    for name in ("test_accuracy", "images_per_s", "compile_s", "peak_rss_bytes", "target_accuracy"):
        yield f"one has no {name}", pair(make, **{name: None})
    yield "one has device memory", pair(make, peak_device_bytes=2**30)
    native = [make(regime="native"), make(regime="native.momentum-form")]
    yield "regimes", [make(), *native]
    broken = failed(framework="keras", regime="native")
    yield "a regime that failed", [make(), *native, make(framework="keras"), broken]
    seeds = [make(regime="native", seed=seed, test_accuracy=0.9) for seed in (0, 1)]
    yield "regimes at other seeds", [make(), *seeds, make(framework="keras", regime="native")]
    of_batch = [one for one in windows if one.identity.batch_size == 64]
    yield "windows", of_batch
    by_epochs = [
        changed(one, windows_s=[]) if one.identity.framework == "keras" else one for one in of_batch
    ]
    yield "one is timed by epochs", by_epochs
    for name, field in Throughput.model_fields.items():
        if field.default is None and name != "images_per_s":
            yield (
                f"one has no {name}",
                [
                    changed(one, **{name: None}) if one.identity.framework == "torch" else one
                    for one in of_batch
                ],
            )


def told(records: Sequence[Record]) -> Iterator[Note]:
    compared = compare(records)
    yield from titles(compared)
    for one in compared:
        summary, shown = verdict(one), [column.name for column in columns(one)]
        yield from (summary.headline, notes.settings(one), (f"| {', '.join(shown)}",))
        of_regimes = regime_tables.pair_columns(pairs(one)), regime_tables.case_columns(cases(one))
        for found in of_regimes:
            yield (f"| {', '.join(column.heading() for column in found)}",)
        for finding in summary.findings:
            yield from ((f"{finding.name}, {finding.tone}: ", *note) for note in finding.said)
        yield from notes.warnings(one)
        yield from notes.notes(one, shown)
        yield from notes.notes(one, [])
        for section in below(one):
            yield (f"| {section.title}: {', '.join(_headings(section))}",)
            yield from section.notes
        yield from regime_tables.introduction(one)
        yield from regime_tables.warnings(one)
        yield from regime_tables.notes_below(one)
        for title, said in protocol(one):
            yield from ((f"{title}: ", *note) for note in said)


def _headings(section: Section) -> Iterator[str]:
    return (column.heading() for table in section.tables for column in table.columns)


def test_wording(make: Make, failed: Make, windows: list[Record]) -> None:
    """Headings of tables, behind a |, are told of each."""
    known: set[str] = {""}
    lines: list[str] = []
    for name, records in (*comparisons(make, failed), *partly(make, failed, windows)):
        said = dict.fromkeys(plain_note(note).replace("\u00a0", "~") for note in told(records))
        new = [line for line in said if line not in known or line.startswith("| ")]
        known.update(new)
        lines += [f"== {name}", *new]
    assert_golden(GOLDEN, "".join(f"{line}\n" for line in lines))


def test_a_version_with_a_known_defect(make: Make) -> None:
    """Said where nothing was set that avoids it, and where it was computed."""
    of: dict[str, Any] = {"framework": "flax", "versions": {"jaxlib": "0.10.2"}}
    avoided = {"XLA_FLAGS": "--xla_cpu_experimental_ynn_fusion_type="}
    for changes, told_of in (
        ({}, True),
        ({"variables": {"XLA_FLAGS": "--a"}}, True),
        ({"variables": avoided}, False),
        ({"device": "gpu"}, False),
        ({"versions": {"jaxlib": "0.10.1"}}, False),
    ):
        (compared,) = compare([make(**of | changes)])
        said = [plain_note(note) for note in notes.warnings(compared)]
        assert any("flax ran with a version that has a known defect" in one for one in said) is (
            told_of
        )
