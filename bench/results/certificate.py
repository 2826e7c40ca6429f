"""The certificate of equivalence: what was checked of a framework, and how far it was off."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from bench.choices import Device
from bench.contract import ModelOptions, OptimizerSpec


class Check(BaseModel):
    """One comparison of a framework with the float64 oracle."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(description="what was compared, such as gradients")
    case: str = Field(description="on what, such as 'adam, 20 steps'")
    error: float | None = Field(
        description="the worst error, in the unit that `reason` gives; None: not finite, or of "
        "another shape"
    )
    bound: float
    where: str = Field(description="the path of the parameter, or the place, of the worst error")
    reason: str = Field(
        description="what the error is relative to, and why the bound is what it is"
    )

    left_out: str = Field(
        default="", description="why it was not made: the adapter cannot do it; empty where it was"
    )

    @property
    def passed(self) -> bool:
        """Whether the error is known and within its bound, or the check was left out."""
        return bool(self.left_out) or (self.error is not None and self.error <= self.bound)

    def describe(self) -> str:
        """The check and its outcome in one line."""
        if self.left_out:
            return f"{self.name} ({self.case}): left out: {self.left_out}"
        error = "not finite or of another shape" if self.error is None else f"{self.error:.2g}"
        place = f" at {self.where}" if self.where else ""
        return f"{self.name} ({self.case}): error {error}{place}, allowed {self.bound:.2g}"


class Subject(BaseModel):
    """What is examined: a framework's network and optimizers, on a device, with its CPU threads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    framework: str
    device: Device
    model: str
    options: ModelOptions = ModelOptions()
    input_shape: tuple[int, int, int] = Field(description="(height, width, channels)")
    classes: int
    optimizers: tuple[OptimizerSpec, ...]
    threads: int
    batch_size: int = Field(default=32, description="images in a full batch")
    remainder: int = Field(default=13, description="images in the last, partial one; 0: none")
    loaded: int = Field(default=1400, description="images in the training set, and at least these")
    predicted: tuple[int, ...] = Field(
        default=(), description="images in what is predicted at once, beside some hundred"
    )
    variables: tuple[tuple[str, str], ...] = Field(
        default=(), description="environment variables, beside those that every worker has"
    )
    seed: int = Field(default=0, description="draws the initial weights and every order")

    @property
    def network(self) -> str:
        """The model with what was chosen of it, such as `lenet5 (selu)`."""
        return self.options.of(self.model)


class Certificate(BaseModel):
    """What all checks of a subject came to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Subject
    bench_version: str
    made_at: str = Field(description="UTC, ISO 8601")
    versions: dict[str, str]
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether there are checks and each one passed."""
        return bool(self.made) and not self.failures

    @property
    def left_out(self) -> tuple[Check, ...]:
        """The checks that were not made."""
        return tuple(check for check in self.checks if check.left_out)

    @property
    def made(self) -> tuple[Check, ...]:
        """All others."""
        return tuple(check for check in self.checks if not check.left_out)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)
