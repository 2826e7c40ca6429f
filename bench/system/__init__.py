"""The machine, the state that it is in, and the processes that are started on it."""
