"""An adapter whose framework is there but cannot be imported."""

raise ImportError("libfaulty.so.1: cannot open shared object file")
