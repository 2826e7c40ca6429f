"""Commands that measure speed alone: the gate, the ladder, the profile of a step."""
