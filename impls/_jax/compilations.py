"""How often XLA compiled anything in this process, by JAX's own events."""

from __future__ import annotations

import jax

# JAX records it around XLA's compiler, for a function that is compiled ahead of its use, for one
# that `jit` compiles when it meets a new shape, and for a single operation outside of both.
EVENT = "/jax/core/compile/backend_compile_duration"


class Compilations:
    """A count that grows by one with each compilation."""

    times = 0

    def notice(self, event: str, duration_secs: float, **kwargs: str | int) -> None:
        """A listener to JAX's events with durations."""
        self.times += event == EVENT


COMPILED = Compilations()
# JAX has one list of listeners in a process, and this module is imported once in it.
jax.monitoring.register_event_duration_secs_listener(COMPILED.notice)
