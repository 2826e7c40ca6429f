"""Hosts that Slurm gives: a scheduler here, and a job for each host, by dask-jobqueue."""

from __future__ import annotations

import contextlib
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.errors import UnavailableError, UsageError
from bench.execution.executors.link import SLOT, Link, connected_to, package
from bench.workload import caches

ONE_LINE = Annotated[str, Field(pattern=r"^[^\r\n]+$")]  # each becomes a line of a script


class SlurmJobs(BaseModel):
    """The jobs that are asked of Slurm, as a cluster.toml says them.

    hosts       how many; each is a job of its own that has a node for itself
    cpus        of each
    memory      of each, such as "16 GB"
    walltime    of each, such as "02:00:00"
    queue       Slurm's partition
    account     that the jobs are charged to
    interface   the network interface of the scheduler and the workers, such as ib0
    directives  further lines of #SBATCH, such as "--gres=gpu:1"
    prologue    lines of shell that prepare a job, such as "module load cuda"
    exclusive   whether a job has its node for itself; without that, figures are not to be relied on
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hosts: Annotated[int, Field(ge=1, le=10_000)] = 1
    cpus: Annotated[int, Field(ge=1)]
    memory: ONE_LINE
    walltime: ONE_LINE = "01:00:00"
    queue: ONE_LINE | None = None
    account: ONE_LINE | None = None
    interface: ONE_LINE | None = None
    directives: tuple[ONE_LINE, ...] = ()
    prologue: tuple[ONE_LINE, ...] = ()
    exclusive: bool = True


def read(path: Path) -> SlurmJobs:
    """What a cluster.toml says.

    Raises:
        UsageError: it is not there, no TOML, or says what is not known; the text names it.
    """
    allowed = ", ".join(SlurmJobs.model_fields)
    try:
        return SlurmJobs.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise UsageError(f"--on: cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"--on: {path} is no TOML: {error}") from error
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or str(path)
        raise UsageError(
            f"--on: {path}: {where}: {fault['msg']}; what can be said is {allowed}"
        ) from error


@contextlib.contextmanager
def started(jobs: SlurmJobs) -> Iterator[Link]:
    """A scheduler in this process and jobs that bring it workers; all of it ends with this.

    Raises:
        UnavailableError: dask-jobqueue is not installed, or Slurm's commands are not here.
        UsageError: Slurm does not take the jobs.
    """
    with contextlib.ExitStack() as open_ones:
        cluster_class: Any = package("dask_jobqueue").SLURMCluster
        try:
            cluster = open_ones.enter_context(cluster_class(**_arguments(jobs)))
            cluster.scale(jobs=jobs.hosts)
        except FileNotFoundError as error:
            raise UnavailableError(f"--on slurm: {error.filename} is not installed here") from error
        except (RuntimeError, OSError, ValueError) as error:
            raise UsageError(f"--on slurm: the jobs cannot be started: {error}") from error
        yield open_ones.enter_context(connected_to(cluster))


def _arguments(jobs: SlurmJobs) -> dict[str, Any]:
    """For dask-jobqueue: one worker a job, with one slot, that Dask does not start again itself."""
    own = ["--exclusive"] if jobs.exclusive else []
    return {
        "cores": 1,  # tasks at once in a worker
        "job_cpu": jobs.cpus,
        "processes": 1,
        "memory": jobs.memory,
        "walltime": jobs.walltime,
        "queue": jobs.queue,
        "account": jobs.account,
        "interface": jobs.interface,
        "python": sys.executable,
        "log_directory": str(caches.folder() / "slurm"),  # not where the run was typed
        "nanny": False,
        "worker_extra_args": ["--resources", f"{SLOT}=1"],
        "job_extra_directives": [*own, *jobs.directives],
        "job_script_prologue": list(jobs.prologue),
    }
