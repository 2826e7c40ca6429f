"""The verdict in words, by hand from few records."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from bench.results.record import Record
from report.analysis.comparison import compare
from report.tables import throughput_tables
from report.wording.notes import plain_note
from report.wording.summary import Summary, verdict
from tests.record_making import changed

Make = Callable[..., Record]
CLOSE = (1.00, 1.02, 0.98, 1.01, 0.99, 1.00, 1.02, 0.99)


def told(records: Sequence[Record]) -> Summary:
    (comparison,) = compare(records)
    return verdict(comparison)


def headline(records: Sequence[Record]) -> str:
    return plain_note(told(records).headline).replace("\u00a0", " ")


def said(records: Sequence[Record], name: str) -> str:
    findings = {one.name: one for one in told(records).findings}
    if name not in findings:
        return ""
    return " ".join(map(plain_note, findings[name].said)).replace("\u00a0", " ")


def tone(records: Sequence[Record]) -> str:
    return next(one.tone for one in told(records).findings if one.name == "Fair")


@pytest.fixture
def blocks(make: Make) -> Callable[..., list[Record]]:
    """Eight blocks of a framework, with these images/s."""

    def made(framework: str, *speeds: float, **changes: object) -> list[Record]:
        return [
            make(framework=framework, seed=seed, images_per_s=speed, **changes)
            for seed, speed in enumerate(speeds)
        ]

    return made


def test_the_fastest_is_named_with_ratio_interval_and_p(blocks) -> None:
    """Eight equal ratios of 2: signed rank, p = 2/2⁸ = 0.0078, of one pair of frameworks."""
    own = [1000 * one for one in CLOSE]
    records = [*blocks("torch", *own), *blocks("keras", *(one / 2 for one in own))]
    assert headline(records) == (
        "torch is the fastest: 2.000 times as fast as keras (95 % from 2.000 to 2.000, p = 0.0078)."
    )
    assert "cannot be told apart" not in said(records, "Speed")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"machine_instruction_sets": ("avx", "fma", "avx2")}, " on a CPU with AVX2:"),
        ({"machine_instruction_sets": ("avx2", "avx512f")}, " on a CPU with AVX-512:"),
        ({"machine_instruction_sets": ("neon", "sve")}, " on a CPU with SVE:"),
        ({"machine_instruction_sets": ("avx2",), "device": "gpu"}, ":"),
        (
            {
                "machine_instruction_sets": ("avx2", "avx512f"),
                "variables": {"ONEDNN_MAX_CPU_ISA": "AVX2", "OMP_NUM_THREADS": "2"},
            },
            " on a CPU with AVX-512 (emulated: ONEDNN_MAX_CPU_ISA=AVX2):",
        ),
    ],
)
def test_the_fastest_is_so_on_a_class_of_cpu(blocks, changes, where) -> None:
    own = [1000 * one for one in CLOSE]
    records = [
        *blocks("torch", *own, **changes),
        *blocks("keras", *(one / 2 for one in own), **changes),
    ]
    assert headline(records).startswith(f"torch is the fastest{where} 2.000 times as fast as keras")


def test_all_are_held_to_a_baseline(blocks) -> None:
    records = [
        *blocks("torch", *(120 * factor for factor in CLOSE)),
        *blocks("keras", *(100 * factor for factor in CLOSE)),
        *blocks("flux", *(50 * factor for factor in CLOSE)),
    ]
    (comparison,) = compare(records, "keras")
    found = verdict(comparison)
    assert "torch is the fastest: 1.200 times as fast as keras" in plain_note(found.headline)
    (speed,) = (one for one in found.findings if one.name == "Speed")
    text = " ".join(map(plain_note, speed.said)).replace("\u00a0", " ")
    assert "torch is 1.200 times as fast as keras (95 % from 1.200 to 1.200, p = 0.023)." in text
    assert "flux is 0.500 times as fast as keras (95 % from 0.500 to 0.500, p = 0.023)." in text
    assert "as fast as torch" not in text
    assert comparison.base is not None
    assert comparison.base.framework == "keras"
    ratios = {
        row.framework: one.effect.estimate
        for row, one in throughput_tables.contrasts(comparison).items()
    }
    assert ratios == {"torch": pytest.approx(1.2), "flux": pytest.approx(0.5)}


def test_without_the_baseline_the_fastest_is_the_base(blocks) -> None:
    records = [*blocks("torch", *CLOSE), *blocks("keras", *(2 * one for one in CLOSE))]
    (comparison,) = compare(records, "flux")
    assert comparison.base is not None
    assert comparison.base.framework == "keras"
    section = throughput_tables.section(comparison)
    assert section is not None
    assert "flux has no speed here: the fastest is 1." in map(plain_note, section.notes)
    assert verdict(comparison) == told(records)


def test_p_is_corrected_over_all_pairs(blocks) -> None:
    own = [1000 * one for one in CLOSE]
    records = [
        *blocks("torch", *own),
        *blocks("keras", *(one / 2 for one in own)),
        *blocks("flax", *(one / 4 for one in own)),
    ]
    assert "p = 0.023" in headline(records)  # 3 · 2/2⁸


def test_ties_are_called_ties(blocks) -> None:
    """Signs of both kinds: nobody is ahead."""
    own = [1000 * one for one in CLOSE]
    other = [1000 * one for one in reversed(CLOSE)]
    records = [*blocks("torch", *own), *blocks("keras", *other)]
    assert headline(records).endswith("cannot be told apart in speed.")
    assert "; they cannot be told apart." in said(records, "Speed")
    third = [*records, *blocks("flax", *(one / 3 for one in own))]
    assert "cannot be told apart in speed; they are faster than flax." in headline(third)


def test_one_process_each_tells_nothing(make: Make) -> None:
    records = [make(images_per_s=2000), make(framework="keras", images_per_s=1000)]
    assert headline(records) == (
        "torch came out fastest, but nothing tells whether that was chance."
    )
    assert "no interval" in said(records, "Speed")
    assert "One process only, so no interval: torch, keras" in said(records, "Unsure")


def test_alone_and_none(make: Make, failed: Make) -> None:
    assert headline([make()]).startswith("torch alone was measured: ")
    assert headline([failed()]) == "No run succeeded: there is nothing to compare."
    assert "flux: unavailable" in said(
        [make(), failed(framework="flux", outcome="unavailable")], "Unsure"
    )


def test_accuracy_is_told_against_the_spread_of_seeds(make: Make) -> None:
    one = [make(seed=s, test_accuracy=a) for s, a in enumerate((0.97, 0.98, 0.99))]
    other = [
        make(framework="keras", seed=s, test_accuracy=a) for s, a in enumerate((0.98, 0.97, 0.99))
    ]
    text = said([*one, *other], "Accuracy")
    assert "from 98.00 to 98.00 %, 0.00 points apart" in text
    assert "scatter by up to ± 1.00" in text
    assert "No framework is more accurate than another" in text


def test_more_accurate_by_more_than_seeds_explain(make: Make) -> None:
    accuracies = [0.90 + 0.001 * seed for seed in range(8)]
    one = [make(seed=s, test_accuracy=a + 0.05) for s, a in enumerate(accuracies)]
    other = [make(framework="keras", seed=s, test_accuracy=a) for s, a in enumerate(accuracies)]
    assert "torch is ahead of keras by more than seeds explain." in said([*one, *other], "Accuracy")
    assert "One seed: " in said([one[0], other[0]], "Accuracy")


def test_target(frozen: list[Record]) -> None:
    records = [r for r in frozen if r.settings.target_accuracy and r.identity.regime == "matched"]
    text = said(records, "Time to target")
    assert "torch: 9.60 s, 11.6 s with compilation (3 of 3 runs got there)." in text
    assert "keras: more than 21.0 s, more than 24.0 s with compilation (1 of 3 runs" in text
    nobody = [make_missed(record) for record in records if record.identity.framework == "torch"]
    assert "not reached (0 of 3 runs got there)" in said(nobody, "Time to target")


def make_missed(record: Record) -> Record:
    return changed(record, time_to_target_s=None, time_to_target_with_compile_s=None)


def test_fair_only_with_certificates_and_equal_hashes(make: Make) -> None:
    fair = [make(), make(framework="keras")]
    assert tone(fair) == "good"
    assert "All were given the same data, split, order" in said(fair, "Fair")
    assert tone([make(), make(framework="keras", certificate=None)]) == "plain"
    unequal = [make(), make(framework="keras", order_sha256="0" * 64)]
    assert tone(unequal) == "bad"
    assert "NOT FAIR: order differ" in said(unequal, "Fair")
    assert tone([make(unverified=True, certificate=None), make(framework="keras")]) == "bad"


def test_doubts(blocks) -> None:
    shaky = blocks("torch", 1000, 2000, 3000, warnings=["busy"], steady=False, windows_s=[0.1])
    text = said(shaky, "Unsure")
    assert "The speed of torch is known to no more than its order of magnitude" in text
    wide = said(blocks("torch", 1000, 1100, 1050, 1200, 980), "Unsure")
    assert "The speed of torch is known to ± 10 % only; more processes narrow that." in wide
    assert "No steady state in 3 of 3 processes of torch." in text
    assert "3 of 3 records warn" in text
    calm = blocks("torch", *(1000 * one for one in CLOSE))
    assert said(calm, "Unsure") == "Nothing in the records speaks against these figures."


def test_versions_of_one_framework_are_told_apart(make: Make) -> None:
    records = [make(), make(framework_version="9.9", images_per_s=1.0)]
    assert "torch 9.9" in said(records, "Speed")
