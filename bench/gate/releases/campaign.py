"""Installs, certifies and measures releases of a package; what is found is kept at once."""

from __future__ import annotations

import platform
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import frameworks
from bench.contract import OptimizerSpec
from bench.errors import BenchError, StoreError
from bench.execution.certify import examined
from bench.execution.child import ChildProcess
from bench.gate.budget import Budget
from bench.gate.cases import NAMES, Case, Name, Pair
from bench.gate.decision import Rule
from bench.gate.pairs import Measuring, Shape, measure
from bench.gate.process import Side, SideError
from bench.gate.releases import environments, pip, sides
from bench.gate.releases.decision import Comparison, Verdict, as_speed, judged
from bench.gate.releases.document import Examined, File, Release, differing
from bench.gate.releases.environments import Environment
from bench.gate.releases.packages import Subject
from bench.gate.releases.search import Edge, Found, Needed, search
from bench.results.certificate import Certificate
from bench.results.certificate import Subject as OfCertificate
from bench.system import machine
from bench.workload import models

Tell = Callable[[str], None]
MODEL, INPUT_SHAPE, CLASSES = "lenet5", (32, 32, 1), 10  # as the measuring process has them


class PairError(BenchError):
    """Two releases cannot be measured, though both have been certified."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a campaign works with.

    folder  for copies of the code, logs and what is compiled; goes away with the program
    status  is told what is going on, notes what a person should read
    """

    folder: Path
    budget: Budget
    shape: Shape
    chance: random.Random
    status: Tell
    notes: Tell


class Campaign:
    """The releases of one package on this machine; `file` grows with each pair.

    It begins with a copy of the program's code as it is then.
    """

    def __init__(self, subject: Subject, file: File, means: Means) -> None:
        self.subject, self.file, self.means = subject, file, means
        self._code = sides.copy_code(means.folder / f"code-{subject.package.name}")
        self._made: dict[str, Environment | None] = {}

    def is_ready(self, version: str, case: Case) -> bool:
        """Install a release and have it certified for a case; whether it may be timed.

        Raises OutOfTimeError.
        """
        environment = self._environment(version)
        if environment is None:
            return False
        release = self.file.document.release(version)
        if release is None:
            python = platform.python_version()
            release = Release(version=version, python=python, packages=environment.packages)
        elif release.packages != environment.packages:
            changed = differing(release.packages, environment.packages, "")
            told = ", ".join(f"{name} {change}" for name, change in changed.items())
            raise StoreError(
                f"{self.file.path} has {self.subject.package.name} {version} with other packages "
                f"than would be measured now ({told}): name another folder"
            )
        known = release.of(case)
        if known is None or known.outcome is not None:
            self.means.status(f"{self.subject.package.name} {version}: checking {case.framework}")
            known = self._examined(environment, case)
            others = (one for one in release.examined if one.case != case)
            self.file.put(release.model_copy(update={"examined": (*others, known)}))
        if known.outcome is not None:
            self._leave_out(version, f"{case.framework}: {known.outcome}: {known.reason}")
            return False
        return True

    def verdict(self, case: Case, edge: Edge, rule: Rule) -> Verdict | None:
        """What the stored pairs of two releases come to; None where more are needed."""
        return self._comparison(case, edge, rule).verdict

    def compare(self, case: Case, edge: Edge, rule: Rule) -> None:
        """Measure pairs of two releases until something can be said.

        Raises OutOfTimeError: what was measured is kept, and is gone on with.
        """
        comparison = self._comparison(case, edge, rule)
        while comparison.is_open:
            comparison.add(self.pair(case, edge).observation)

    def pair(self, case: Case, edge: Edge) -> Pair:
        """Measure one more pair of two releases, and keep it. Raises OutOfTimeError, PairError."""
        base, head = edge
        before = self.file.document.pairs(case, base, head)
        self.means.budget.check()
        name = self.subject.package.name
        self.means.status(f"{name} {base} against {head}, {case.label}: pair {len(before) + 1}")
        both = {
            which: self._side(which, version) for which, version in zip(NAMES, edge, strict=True)
        }
        with_ = Measuring(both, self.means.shape, self.means.folder, self.means.budget)
        first = self.means.chance.choice(NAMES)
        steps = before[0].steps if before else None
        try:
            pair = measure(with_, case, len(before), first, steps)
        except SideError as error:
            raise PairError(f"{name} {base} (base) and {head} (head): {error}") from error
        self.file.add(base, head, pair)
        return pair

    def bisect(self, case: Case, versions: Sequence[str], rule: Rule, *, every: bool) -> Found:
        """Find the releases that changed the speed of a framework.

        What cannot be installed or is not equivalent is left out; BenchError where that leaves
        fewer than two. Raises OutOfTimeError: calling it again goes on.
        """
        usable = list(versions)
        while True:
            if len(usable) < 2:
                raise BenchError(
                    f"fewer than two releases of {self.subject.package.name} can be measured with "
                    f"{case.framework}; what was left out is named above"
                )
            try:
                return search(
                    usable,
                    lambda edge: self.verdict(case, edge, rule),
                    every=every,
                    threshold=rule.threshold,
                )
            except Needed as needed:
                edge = needed.edge
            unready = [version for version in edge if not self.is_ready(version, case)]
            if unready:
                usable = [version for version in usable if version not in unready]
            else:
                self.compare(case, edge, rule)
                self._tell(case, edge, rule)

    def _tell(self, case: Case, edge: Edge, rule: Rule) -> None:
        verdict = self.verdict(case, edge, rule)
        if verdict is not None:
            name, (base, head) = self.subject.package.name, edge
            speed = f"{100 * as_speed(verdict.effect):+.1f} %"
            self.means.notes(
                f"{name} {base} to {head}, {case.framework}: {verdict.outcome}, {speed}, "
                f"{verdict.pairs} pairs"
            )

    def against(
        self, case: Case, reference: str, versions: Sequence[str], rounds: int
    ) -> list[str]:
        """Measure each of the releases in turns with the reference, so many pairs.

        Also the reference with itself, which shows how far equal ones come apart. A round has one
        pair of each, in a new order. Returns those that could not be measured; each is told.
        """
        failed: list[str] = []
        while True:
            counts = {
                version: len(self.file.document.pairs(case, reference, version))
                for version in versions
                if version not in failed
            }
            fewest = min(counts.values(), default=rounds)
            if fewest >= rounds:
                return failed
            self.means.notes(
                f"{self.subject.package.name}, {case.label}: round {fewest + 1} of {rounds}"
            )
            behind = [version for version, count in counts.items() if count == fewest]
            for version in self.means.chance.sample(behind, len(behind)):
                try:
                    self.pair(case, (reference, version))
                except PairError as error:
                    self._leave_out(version, str(error))
                    failed.append(version)

    def _comparison(self, case: Case, edge: Edge, rule: Rule) -> Comparison:
        pairs = self.file.document.pairs(case, *edge)
        return judged(case, rule, [pair.observation for pair in pairs])

    def _environment(self, version: str) -> Environment | None:
        """That of a release; None where it cannot be installed, which is told once.

        Raises OutOfTimeError where none is made yet and the time is up.
        """
        if version in self._made:
            return self._made[version]
        self.means.budget.check()
        name = self.subject.package.name
        self.means.status(f"installing {name} {version}")
        try:
            made = environments.install(
                self.subject,
                version,
                waiting=lambda: self.means.notes("waiting for another process that installs"),
            )
        except pip.PipError as error:
            self._made[version] = None
            self.file.leave_out(version, str(error))
            self._leave_out(version, str(error))
            return None
        self._made[version] = made
        return made

    def _leave_out(self, version: str, reason: str) -> None:
        self.means.notes(f"without {self.subject.package.name} {version}: {reason}")

    def _examined(self, environment: Environment, case: Case) -> Examined:
        """Whether a framework computes the same as the reference, in this environment."""
        framework = frameworks.named(case.framework)
        variables = framework.variables(
            case.device, machine.instruction_sets(), version_of=environment.version
        )
        subject = OfCertificate(
            framework=case.framework,
            device=case.device,
            model=MODEL,
            input_shape=INPUT_SHAPE,
            classes=CLASSES,
            optimizers=(OptimizerSpec("adam"),),
            threads=case.threads,
            batch_size=case.batch_size,
            remainder=0,
            variables=tuple(sorted(variables.items())),
        )
        executor = ChildProcess(sides.interpreter(environment, self._code))
        log = self.means.folder / "examination.log"
        found = examined(subject, log, lambda check: None, executor)
        return Examined(
            case=case,
            certificate=found.certificate,
            outcome=found.outcome,
            reason=found.reason,
            parameters=_parameters(found.certificate),
        )

    def _side(self, name: Name, version: str) -> Side:
        environment = self._environment(version)
        if environment is None:
            raise RuntimeError(f"{version} is measured and was not installed")
        return sides.side(name, environment, self._code, self.means.folder / f"caches-{version}")


def _parameters(certificate: Certificate | None) -> int | None:
    """Numbers in the network that was built: those of its description, where the check says so."""
    checks = certificate.checks if certificate else ()
    if not any(check.name == "parameters" and check.passed for check in checks):
        return None
    return models.build(MODEL, INPUT_SHAPE, CLASSES).parameter_count()
