"""Where tasks are done, and how they come out.

An `Executor` is the seam between the parent and whatever does the work: a process on this machine,
or later one on a machine of a cluster. The parent knows tasks, events and outcomes only.
"""

from bench.execution.child import ChildProcess as ChildProcess
from bench.execution.executor import Executor as Executor
from bench.execution.executor import Outcome as Outcome
from bench.execution.executor import Usage as Usage
