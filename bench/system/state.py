"""What a cell ran on, and the state that this was in. Part of `bench.results.record`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Machine(BaseModel):
    """What a cell ran on. Fields that this system does not tell are None."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu: str | None = Field(description="processor")
    architecture: str = Field(description="of the processor")
    instruction_sets: tuple[str, ...] = Field(
        default=(), description="of the CPU, those that libraries choose their code by"
    )
    logical_cpus: int = Field(description="CPUs that the system has")
    usable_cpus: int = Field(description="CPUs that this process may use, by its affinity mask")
    cpu_quota: float | None = Field(description="CPUs that the control group allows; None: all")
    memory_bytes: int = Field(description="memory of the system")
    gpu: str | None = Field(description="graphics processor")
    gpu_driver: str | None = Field(description="its driver's version")
    system: str = Field(description="operating system")
    kernel: str = Field(description="its kernel's version")
    python: str = Field(description="version of Python")
    fingerprint: str = Field(description="hash of the fields above: equal on equal machines")
    host: str | None = Field(
        default=None,
        description="salted hash of what identifies the host, never its name: two equal machines "
        "have two; None: not known",
    )


class SystemState(BaseModel):
    """The state of the machine at a moment; counters count since it started.

    What this system does not tell is None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    load_1min: float | None = Field(default=None, description="programs that run or wait, mean")
    cpu_busy_s: float | None = Field(default=None, description="counter, sum over all CPUs")
    cpu_stolen_s: float | None = Field(
        default=None, description="counter: CPU time that other virtual machines took"
    )
    quota_throttled_s: float | None = Field(
        default=None, description="counter: time that the control group was held back"
    )
    thermal_throttles: int | None = Field(default=None, description="counter, sum over all cores")
    temperature_c: float | None = Field(default=None, description="the hottest sensor of the CPU")
    frequency_mhz: float | None = Field(default=None, description="mean over the CPUs")
    governor: str | None = Field(default=None, description="the policy of the CPUs' frequency")
    available_memory_bytes: int | None = None
    on_battery: bool | None = None
    gpu_temperature_c: float | None = Field(default=None, description="the hottest GPU")
    gpu_throttle: str | None = Field(
        default=None, description="why the GPU's clock is held back, in NVML's words"
    )
