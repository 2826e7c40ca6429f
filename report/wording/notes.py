"""What must be said beside a table: its set-up, what its figures mean, what was equal or failed.

Each function returns sentences in fragments; a renderer makes the `Given` ones harmless.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from bench.results import known_defects
from bench.results.record import Record
from report.analysis import certificates
from report.analysis.certificates import named
from report.analysis.comparison import Comparison, Row
from report.analysis.configurations import Setup, network
from report.analysis.equality import Check, agreeing, check
from report.analysis.unrecorded import Cut
from report.tables import throughput_tables
from report.tables.main import percent
from report.text import REASON_LIMIT, Given, Note, listed, plain
from report.wording import settings_text
from report.wording.cpu_class import widest

SHORT_HASH = 12
INTERVAL = (
    "95 %: the interval of that median, with the process as the unit: Student's t on logarithms "
    "up to 5 processes, order statistics from 6 on; none of a single process"
)
TOLD_IN_NOTES = ("Version", "Parameters")  # columns that are notes where there is no room for them


def title(setup: Setup) -> Note:
    """Data set, model and device."""
    return (
        Given(setup.settings.dataset, REASON_LIMIT),
        " · ",
        *network(setup),
        " · ",
        setup.device,
    )


def settings(comparison: Comparison) -> Note:
    """Batch size, optimizer, epochs if any, threads, data and target, on one line."""
    setup, of = comparison.setup, comparison.setup.settings
    target = "none" if of.target_accuracy is None else f"{percent(of.target_accuracy)} %"
    return (
        f"Batch {setup.batch_size}, {of.optimizer} (learning rate {of.learning_rate:g}, "
        f"momentum {of.momentum:g}, weight decay {_weight_decay(comparison)}), ",
        _length(comparison),
        *_resumed(setup),
        f", {_count(setup.threads, 'thread')}, images fitted by ",
        Given(of.fit),
        *_given_normalisation(of.mean, of.std),
        f", {of.train_size:,} training / {of.val_size:,} validation / "
        f"{of.test_size:,} test images, target {target}",
        *(part for words in settings_text.words(of) for part in (", ", words)),
    )


def _weight_decay(comparison: Comparison) -> str:
    """What the matched runs have; without any, what the others have, if it is the same in all."""
    decays = {one.trained_with.weight_decay for one in comparison.records or comparison.everything}
    return f"{decays.pop():g}" if len(decays) == 1 else "of each framework's own"


def _length(comparison: Comparison) -> str:
    """How long was trained, if at all."""
    return _count(comparison.setup.settings.epochs, "epoch") if comparison.trains else "speed only"


def _resumed(setup: Setup) -> Note:
    """Where training went on from a checkpoint, which the figures of time do not go back to."""
    if setup.resumed_from is None:
        return ()
    before = _count(setup.first_epoch - 1, "epoch")
    return (f" ({before} of them before, in ", Given(setup.resumed_from, REASON_LIMIT), ")")


def _given_normalisation(
    mean: tuple[float, ...] | None, std: tuple[float, ...] | None
) -> tuple[str, ...]:
    """What a person gave in place of the training split's own mean and standard deviation."""
    parts = (("mean", mean), ("standard deviation", std))
    given = [f"{name} {'/'.join(f'{v:g}' for v in values)}" for name, values in parts if values]
    return (f", pixels normalised by a given {' and '.join(given)}",) if given else ()


def machine(comparison: Comparison) -> Note:
    """What all runs of the comparison ran on."""
    of = comparison.machine
    gpu: Note = (", ", Given(of.gpu, 80)) if of.gpu else ()
    driver: Note = (" (driver ", Given(of.gpu_driver), ")") if of.gpu and of.gpu_driver else ()
    quota = "" if of.cpu_quota is None else f" with a quota of {of.cpu_quota:g}"
    return (
        Given(of.cpu or "unknown processor", 80),
        f" with {name}" if (name := widest(of.instruction_sets)) else "",
        f", {of.usable_cpus} of {of.logical_cpus} CPUs{quota}, "
        f"{of.memory_bytes / 2**30:,.1f} GiB memory",
        *gpu,
        *driver,
        ", ",
        Given(f"{of.system} {of.kernel}", 80),
        ", Python ",
        Given(of.python),
        ", fingerprint ",
        Given(of.fingerprint, SHORT_HASH + 1),
    )


def warnings(comparison: Comparison) -> list[Note]:
    """Why the comparison is not equal: loud; none where all that was compared agrees."""
    alarm = "NOT AN EQUAL COMPARISON"
    differences = [difference(alarm, one) for one in check(comparison) if one.differs]
    return [
        *certificates.warnings(comparison),
        *differences,
        *throughput_tables.warnings(comparison),
        *known_to_be_wrong(comparison),
        *map(of_cut_run, comparison.cut),
    ]


def of_cut_run(cut: Cut) -> Note:
    """How much of a run has no record."""
    again = f", repeat {cut.repeat}" if cut.repeat else ""
    return (
        f"NOT THE WHOLE RUN: {cut.missing:,} of {cut.cells:,} cells of ",
        *(Given(cut.run), " have no record here, such as ", Given(cut.framework)),
        f" at seed {cut.seed}{again}. The run was interrupted, goes on, or is only partly in this "
        "report.",
    )


def known_to_be_wrong(comparison: Comparison) -> list[Note]:
    """Versions that compute something wrongly, where nothing was set that avoids it."""
    said: dict[str, str] = {}
    for record in comparison.everything:
        of, framework = record.environment, record.identity.framework
        for defect, version in known_defects.found(framework, of.versions):
            avoided = all(of.variables.get(n) == v for n, v in defect.avoided_by.items())
            here = defect.device in (None, record.identity.device)
            if here and not (defect.avoided_by and avoided):
                said[defect.describe(version)] = framework
    return [
        (Given(framework), f" ran with a version that has a known defect: {text}.")
        for text, framework in said.items()
    ]


def difference(alarm: str, one: Check) -> Note:
    """Which frameworks have which value of what should have been equal."""
    fragments: list[str | Given] = [f"{alarm}: unequal {one.name}"]
    fragments.append(":" if one.seed is None else f" at seed {one.seed}:")
    for value, frameworks in one.values:
        fragments += [" ", *_names(frameworks), " ", Given(value, SHORT_HASH + 1), ";"]
    fragments[-1] = ". The figures below do not measure the same work."
    return tuple(fragments)


def notes(comparison: Comparison, shown: Collection[str]) -> list[Note]:
    """What the figures are, what was equal, and what became of the runs that are not ok.

    `shown` are the names of the columns beside which this stands.
    """
    rows = [row for row in comparison.rows if row.runs_ok]
    failed = failures(comparison.records)
    if not rows:
        return [("No run succeeded: there are no figures.",), *failed] if failed else []
    return [
        *(_accuracy(rows) if any(row.seeds for row in rows) else []),
        *_times(comparison, rows, shown),
        *_all_disturbed(rows),
        *([] if "Version" in shown else _row_versions(rows)),
        *([] if "Parameters" in shown else _row_parameters(rows)),
        *_equality(comparison),
        *certificates.notes(comparison),
        *left_out(comparison.everything),
        *failed,
    ]


def _accuracy(rows: list[Row]) -> list[Note]:
    """Over which seeds the accuracy is taken, and whether there is a ±."""
    if len({row.seeds for row in rows}) == 1:
        seeds = rows[0].seeds
        if len(seeds) == 1:
            return [(f"Test accuracy: one seed ({seeds[0]}) only, so no ±.",)]
        return [
            (
                "Test accuracy: mean ± sample standard deviation over "
                f"{len(seeds)} seeds ({_listed(seeds)}).",
            )
        ]
    fragments: list[str | Given] = [
        "Test accuracy: mean ± sample standard deviation over the seeds, no ± for a single one. "
        "Seeds differ between rows: "
    ]
    for row in rows:
        fragments += [Given(row.framework), f" {_listed(row.seeds)}", "; "]
    fragments[-1] = "."
    return [tuple(fragments)]


def _times(comparison: Comparison, rows: list[Row], shown: Collection[str]) -> list[Note]:
    """What the figures of time are."""
    sure = f"; {INTERVAL}" if "95 %" in shown else ""
    said: list[Note] = [(f"Images/s: median over the ok processes{sure}.",)]
    target = comparison.setup.settings.target_accuracy
    if target is None:
        return said
    bound = "; > t: the median is t or longer, since runs that missed it had no more time"
    over = bound if any(row.time_to_target_is_bound for row in rows) else ""
    compiled = ", without and with compilation" if "With compile" in shown else ""
    if "To target" in shown:
        said.append(
            (
                f"To target: training time until a validation accuracy of {percent(target)} %, "
                f"median over the runs (k/n of them reached it){compiled}{over}.",
            )
        )
    return said


def _all_disturbed(rows: list[Row]) -> list[Note]:
    """Why there is no speed and no time where all was measured, and what to do about it."""
    no_speed = [row for row in rows if row.images_per_s is None and row.speed.disturbed]
    no_time = [row for row in rows if row.time_to_target_s is None and row.times_disturbed]
    lacking: list[Note] = [
        (f"no {what} of ", *listed([Given(row.framework) for row in of]))
        for what, of in (("images/s", no_speed), ("time to the target", no_time))
        if of
    ]
    if not lacking:
        return []
    again = measured_again(
        "`bench run --resume FOLDER`", speeds=bool(no_speed), times=bool(no_time)
    )
    what_to_do = (
        f". Best on a quiet machine: {again}; `bench report --accept-disturbed FOLDER` has them "
        "count as they are."
    )
    return [("Others disturbed every measurement: ", *listed(lacking, ", and "), what_to_do)]


def measured_again(resume: str, *, speeds: bool, times: bool) -> str:
    """How figures come about that others have disturbed: a training is not done twice in a run."""
    ways = (
        (speeds, f"{resume} repeats the speeds"),
        (times, "times to the target need a new run"),
    )
    return " and ".join(said for wanted, said in ways if wanted)


def _row_versions(rows: list[Row]) -> list[Note]:
    fragments: list[str | Given] = ["Versions: "]
    for row in rows:
        fragments += [Given(row.framework), " ", Given(row.framework_version or "unknown"), ", "]
    fragments[-1] = "."
    return [tuple(fragments)]


def _row_parameters(rows: list[Row]) -> list[Note]:
    """How large each network is: one number where they are alike, as they should be."""
    counts = {row.framework: f"{row.parameters:,}" for row in rows if row.parameters is not None}
    if len(set(counts.values())) == 1:
        return [(f"Parameters: {next(iter(counts.values()))}.",)]
    fragments: list[str | Given] = ["Parameters: "]
    for framework, count in counts.items():
        fragments += [Given(framework), f" {count}", ", "]
    fragments[-1] = "."
    return [tuple(fragments)] if counts else []


def _equality(comparison: Comparison) -> list[Note]:
    checks = check(comparison)
    said: list[Note] = []
    equal = agreeing(checks)
    if equal:
        said.append((f"Equal between frameworks at the same seed: {', '.join(equal)}.",))
    missing: dict[str, set[str]] = defaultdict(set)
    for one in checks:
        for framework in one.missing:
            missing[one.name].add(framework)
    for name, frameworks in missing.items():
        said.append(
            (
                f"Not recorded, so not shown to be equal: {name} of ",
                *_names(sorted(frameworks)),
                ".",
            )
        )
    return said


def left_out(records: Iterable[Record]) -> list[Note]:
    """What adapters cannot do: checks of certificates and fields of records, with the reason."""
    alike: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for record in records:
        checks = record.provenance.certificate.left_out if record.provenance.certificate else ()
        of_checks = ((f"the check {one.name} ({one.case})", one.left_out) for one in checks)
        for what, reason in (*of_checks, *record.status.left_out.items()):
            alike[record.identity.framework, reason][what] = None
    return [
        (
            *("Left out of ", Given(framework), ": "),
            *listed([Given(one) for one in what]),
            *(": ", Given(reason, REASON_LIMIT), "."),
        )
        for (framework, reason), what in alike.items()
    ]


def failures(records: Iterable[Record]) -> list[Note]:
    """Why runs are not ok, equal reasons of one framework and regime together."""
    alike: dict[tuple[str, str, str, str], list[Record]] = defaultdict(list)
    for record in records:
        if record.status.outcome != "ok":
            reason = record.status.reason or "no reason was recorded"
            alike[
                record.identity.framework, record.identity.regime, record.status.outcome, reason
            ].append(record)
    said: list[Note] = []
    for (framework, regime, status, reason), same in alike.items():
        seeds = sorted({record.identity.seed for record in same})
        seeds_of = f"seed{'s' * (len(seeds) > 1)} {_listed(seeds)}"
        said.append(
            (*named(framework, regime), f", {seeds_of}: {status}: ", Given(reason, REASON_LIMIT))
        )
    return said


def versions(comparison: Comparison) -> list[Note]:
    """What computed in each row: libraries with their versions, all that occurred."""
    of: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in comparison.everything:
        for name, version in record.environment.versions.items():
            of[record.identity.framework][name].add(version)
    return [
        (
            Given(framework),
            ": ",
            *listed(
                [
                    Given(f"{name} {' or '.join(sorted(of[framework][name]))}", 80)
                    for name in sorted(of[framework])
                ]
            ),
        )
        for framework in sorted(of)
    ]


def runs(comparison: Comparison) -> Note:
    """Which runs the records are of, and when their cells were started."""
    started = sorted(record.identity.started_at for record in comparison.everything)
    names = sorted({record.identity.run for record in comparison.everything})
    return (
        f"{_count(len(comparison.everything), 'record')} of {_count(len(names), 'run folder')} (",
        *_names(names),
        "), started ",
        Given(started[0]),
        *((" to ", Given(started[-1])) if started[0] != started[-1] else ()),
        " (UTC)",
    )


def plain_note(note: Note) -> str:
    """A note as one harmless line, for where there is nothing but text."""
    return "".join(
        plain(part.text, part.limit) if isinstance(part, Given) else part for part in note
    )


def _listed(seeds: Iterable[int]) -> str:
    return ", ".join(map(str, seeds))


def _names(names: list[str] | tuple[str, ...]) -> Note:
    return listed([Given(name) for name in names])


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
