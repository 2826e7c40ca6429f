"""The measured process: one framework, one task, and the only reader of a clock."""
