"""Published data sets: where their files are, what their hashes are, and the terms of use."""
