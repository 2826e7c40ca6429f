"""From what was asked for to a plan of what will be computed, checked before anything runs."""
