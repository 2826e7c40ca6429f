"""`python -m bench`, and the command `lenet-bench`."""

import signal
import sys


def main() -> None:
    """Run the program; one that is interrupted says nothing and ends as a shell has it.

    While modules are loaded Ctrl-C ends the process at once: an exception could be raised in the
    midst of any of them, and be taken for a fault of theirs.
    """
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


if __name__ == "__main__":
    main()
