"""The C compiler that tinygrad starts for the CPU; found without importing tinygrad."""

from __future__ import annotations

from bench.frameworks import Program

# A compiler that CC names is often GCC, which does not know the target that tinygrad compiles for.
CLANG = Program(usual="clang", what="clang", user="tinygrad", advice="apt install clang")
