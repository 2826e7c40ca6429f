"""How many small faults does `make test` see? One line of the code is changed at a time.

    python tests/mutations.py --seed 1 --number 40

draws places in `bench`, `report` and `impls`, changes what stands there (a comparison turned round,
a number one more, a call left out, …) and looks what notices: ruff, mypy, the tests that run the
line, and for all that are left then, together, every test of `make test`. Not drawn are the files
of `impls/flux` and `impls/_julia`, whose tests need Julia. It works on copies of the last commit in
a temporary folder, where it keeps what it has found. Beside what tests need it wants `coverage`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import coverage
from mutation_places import Mutation, drawn

ROOT = Path(__file__).resolve().parents[1]
FRAMEWORKS = ("torch", "keras", "flax")
MARKS = {"unit": "not long and not alone", "alone": "not long and alone"}
SUITES = (*MARKS, *FRAMEWORKS)  # as in the Makefile, each framework in a process of its own
# What the suites of the frameworks examine.
FOR_FRAMEWORKS = ("impls/", "bench/contract/", "bench/verification/", "bench/workload/")
NEAR = {"bench/workload/datasets/": "tests/datasets/"}  # where it isn't the folder's own name
ENOUGH_S = 30.0  # of the tests that run a line; others are run for all that are left together
BESIDE = 2  # mutations that are tried at a time, each in a copy of its own

Outcomes = dict[str, tuple[str, float]]  # test → how it came out, and its seconds


class Copy:
    """A copy of the repository, in which mutations are tried."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def change(self, chosen: Iterable[Mutation]) -> None:
        """What is committed, but for these."""
        subprocess.run(["git", "checkout", "-q", "."], cwd=self.folder, check=True)
        for mutation in chosen:
            path = self.folder / mutation.path
            path.write_text(mutation.of(path.read_text()))

    def call(self, arguments: list[str], limit_s: float, **env: str) -> tuple[int | None, str]:
        """The exit code, or None where the time was up, and what was printed."""
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=self.folder,
            env=inherited | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            printed, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None, process.communicate()[0]
        return process.returncode, printed

    def test(
        self,
        suite: str,
        tests: Collection[str] = (),
        *options: str,
        limit_s: float = 7200.0,
        coverage_file: str = "",
    ) -> tuple[Outcomes, str]:
        """How each of these tests of a suite came out, or all; and what else ended pytest."""
        log, listed = self.folder.with_suffix(".log"), self.folder.with_suffix(".tests")
        log.write_text("")
        everything = "tests/parity" if suite in FRAMEWORKS else "tests"
        listed.write_text("\n".join(sorted(tests) or [everything]))
        env = {"MUTATIONS_LOG": str(log), "MUTATIONS_SUITE": suite}
        if coverage_file:
            env["MUTATIONS_COVERAGE"] = coverage_file
        if suite in FRAMEWORKS:
            env |= {"BENCH_FRAMEWORKS": suite, "BENCH_REQUIRE": suite}
        elif suite == "unit":
            env |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        if suite == "unit" and not tests:
            options = (*options, "-n", str(BESIDE), "--dist", "loadgroup")
        if not tests and suite in MARKS:
            options = (*options, "--ignore", "tests/parity")
        command = ["pytest", "-q", "--tb=no", "-p", "tests.mutation_plugin"]
        marks = ["-m", MARKS.get(suite, "not long")]
        code, printed = self.call([*command, *marks, *options, f"@{listed}"], limit_s, **env)
        outcomes: Outcomes = {}
        for line in log.read_text().splitlines():
            name, outcome, taken_s = json.loads(line)
            worst, before_s = outcomes.get(name, ("passed", 0.0))
            outcomes[name] = (outcome if worst == "passed" else worst, before_s + taken_s)
        files = {name.partition("::")[0] for name in tests}
        if code == 4 and files != set(tests) and not failing(outcomes):  # tests have other names
            return self.test(suite, files, *options, limit_s=limit_s)
        if code in (0, 1, 5):
            return outcomes, ""
        return outcomes, "it hangs" if code is None else f"pytest: {printed[-200:]}"


def failing(outcomes: Outcomes) -> list[str]:
    return [name for name, (outcome, _) in outcomes.items() if outcome == "failed"]


class Study:
    """Copies of a commit, and which test runs which line of it, all in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        first = Copy(folder / "copy0")
        if not first.folder.is_dir():
            folder.mkdir(parents=True)
            clone = ["git", "clone", "-q", str(ROOT), str(first.folder)]
            subprocess.run(clone, check=True)
            first.call(["mypy"], 3600)  # for its cache
        self.durations_s: dict[str, float] = {}  # by suite and test, of those that pass
        for suite in SUITES:
            self._measure(first, suite)
        for number in range(BESIDE):
            copy = Copy(folder / f"copy{number}")
            if not copy.folder.is_dir():
                shutil.copytree(first.folder, copy.folder, symlinks=True)
            self.copies.put(copy)
        self.data = coverage.CoverageData(no_disk=True)
        for path in folder.glob("coverage-*"):
            part = coverage.CoverageData(str(path))
            part.read()
            self.data.update(part)

    def _measure(self, copy: Copy, suite: str) -> None:
        kept = self.folder / f"{suite}.json"
        if not kept.is_file():
            copy.change([])
            file = self.folder / f"coverage-{suite}"
            outcomes, why = copy.test(suite, coverage_file=str(file))
            print(f"{suite}: {len(outcomes)} tests; failing unchanged: {failing(outcomes)} {why}")
            kept.write_text(json.dumps(outcomes))
        for name, (outcome, taken_s) in json.loads(kept.read_text()).items():
            if outcome == "passed":
                self.durations_s[f"{suite} {name}"] = taken_s

    def tests_of(self, mutation: Mutation) -> dict[str, set[str]]:
        """By suite the tests to try first: near ones before others, then the quick ones."""
        # By line the tests that run it, each behind its suite; "" is none of them.
        by_line = self.data.contexts_by_lineno(str(self.folder / "copy0" / mutation.path))
        tests = set(by_line.get(mutation.line, ()))
        if len(tests) < 2 or "" in tests:  # it is run as the file is imported
            tests.update(*by_line.values())
        near = NEAR.get(mutation.path.rpartition("/")[0] + "/") or "/".join(
            ["tests", *mutation.path.split("/")[mutation.path.startswith("bench/") :][:1]]
        )
        chosen: dict[str, set[str]] = defaultdict(set)
        left_s = ENOUGH_S
        known = [test for test in tests if test in self.durations_s]
        for test in sorted(known, key=lambda one: (near not in one, self.durations_s[one], one)):
            left_s -= self.durations_s[test]
            if left_s < 0:
                break
            suite, _, name = test.partition(" ")
            chosen[suite].add(name)
        return dict(sorted(chosen.items(), key=lambda one: SUITES.index(one[0])))

    def killer(self, mutation: Mutation, tests_of_suites: dict[str, set[str]]) -> str:
        """What notices a mutation, by itself and soon; empty if nothing does."""
        kept = self.folder / f"{hashlib.sha256(str(mutation).encode()).hexdigest()[:16]}.killer"
        if not kept.is_file():
            kept.write_text(self._killer(mutation, tests_of_suites))
        return kept.read_text()

    def _killer(self, mutation: Mutation, tests_of_suites: dict[str, set[str]]) -> str:
        copy = self.copies.get()
        try:
            copy.change([mutation])
            ruff = ["ruff", "check", "--output-format", "concise", "--ignore", "E501"]
            for arguments in ([*ruff, mutation.path], ["mypy"]):  # a line may well be longer
                code, printed = copy.call(arguments, 600)
                if code:
                    return f"{arguments[0]}: {printed.splitlines()[0]}"
            for suite, tests in tests_of_suites.items():
                if found := self._by_tests(copy, mutation, suite, tests):
                    return found
            return ""
        finally:
            self.copies.put(copy)

    def _by_tests(self, copy: Copy, mutation: Mutation, suite: str, tests: set[str]) -> str:
        while tests:
            copy.change([mutation])
            outcomes, why = copy.test(suite, tests, "-x", "--timeout", "150", limit_s=900)
            failed = failing(outcomes)
            if not failed:
                return why
            if "::" not in failed[0]:  # the name of a file, or none at all
                return "tests cannot be collected"
            copy.change([])
            if not failing(copy.test(suite, failed)[0]):
                return failed[0]
            tests = tests - set(failed)
        return ""

    def by_all(self, left: list[Mutation]) -> dict[Mutation, str]:
        """What of all tests notices these. They are tried at once, until those left pass them."""
        copy = self.copies.get()
        found: dict[Mutation, str] = {}
        suites = [*MARKS]
        if any(mutation.path.startswith(FOR_FRAMEWORKS) for mutation in left):
            suites += FRAMEWORKS
        for suite in suites:
            while others := [mutation for mutation in left if mutation not in found]:
                copy.change(others)
                outcomes, why = copy.test(suite)
                known = json.loads((self.folder / f"{suite}.json").read_text())
                failed = [name for name in failing(outcomes) if name not in failing(known)]
                told = f"{len(others)} changes, all of {suite}: {len(failed)} fail {why}"
                print(told, flush=True)
                blamed = self._blamed(copy, others, suite, failed)
                if not blamed:
                    break
                found |= blamed
        self.copies.put(copy)
        return found

    def _blamed(
        self, copy: Copy, group: list[Mutation], suite: str, failed: list[str]
    ) -> dict[Mutation, str]:
        """Which of them makes these tests fail, found by halves."""
        if not failed:
            return {}
        if len(group) == 1:
            killer = self._by_tests(copy, group[0], suite, set(failed))
            return {group[0]: killer} if killer else {}
        found: dict[Mutation, str] = {}
        for half in (group[::2], group[1::2]):
            copy.change(half)
            found |= self._blamed(copy, half, suite, failing(copy.test(suite, failed)[0]))
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, default=40)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--draw", action="store_true", help="show what would be tried, no more")
    options = parser.parse_args()
    chosen = drawn(ROOT, options.seed, options.number)
    if options.draw:
        print(*chosen, sep="\n")
        return
    if subprocess.run(["git", "diff", "--quiet", "HEAD"], cwd=ROOT, check=False).returncode:
        parser.error("there are changes that are not committed: the copies would lack them")
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True)
    study = Study(options.folder / f"lenet-bench-mutations-{head[:12]}")
    tests = [study.tests_of(mutation) for mutation in chosen]
    killers = {}
    with ThreadPoolExecutor(BESIDE) as pool:
        for mutation, killer in zip(chosen, pool.map(study.killer, chosen, tests), strict=True):
            killers[mutation] = killer
            print(f"{mutation}\n    {killer or 'left'}", flush=True)
    left = [mutation for mutation, killer in killers.items() if not killer]
    if left:
        killers |= study.by_all(left)
    counted = Counter(killer.partition(":")[0].partition("/")[0] for killer in killers.values())
    for mutation in left:
        print(f"{mutation}\n    {killers[mutation] or 'SURVIVED'}")
    noticed = len(chosen) - counted[""]
    print(f"seed {options.seed}: {noticed} of {len(chosen)} noticed; {dict(counted)}")


if __name__ == "__main__":
    main()
