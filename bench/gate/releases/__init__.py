"""Released versions of a package against each other, by the pairs of the gate.

`docs/tasks/which-release.md` has the rule and its error rates. One direction, as everywhere:
packages → index → versions → environments → sides → campaign → document → search, matrix.
"""
