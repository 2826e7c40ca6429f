"""`python -m bench`, and the command `lenet-bench`."""

import os
import sys


def main() -> None:
    """Run the program; one that is interrupted says nothing and ends as a shell has it.

    While modules are loaded Ctrl-C ends the process at once: an exception could be raised in the
    midst of any of them, and be taken for a fault of theirs.
    """
    import signal

    is_heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heeded:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bench.cli import app
    from bench.system.signals import EXIT_CODE

    try:
        if is_heeded:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        app.main()
    except KeyboardInterrupt:
        sys.exit(EXIT_CODE)


def _leave_out_current_folder() -> None:
    """Look for no module in the current folder, unless it is the checkout that runs.

    `python -m` looks there first: a `report.py` or `random.py` of a person's own would be taken for
    the module of that name.
    """
    try:
        here = os.getcwd()
    except FileNotFoundError:
        return
    checkout = os.path.realpath(os.path.dirname(os.path.dirname(__file__)))
    if not sys.flags.safe_path and sys.path[:1] == [here] and os.path.realpath(here) != checkout:
        del sys.path[0]


if __name__ == "__main__":
    _leave_out_current_folder()
    main()
