"""Numbers from records: what may be compared, and what comes out of it."""
