"""The certificate itself: what it must catch, and what it must let pass."""
