"""What the commands do: each parses its text options, calls the harness and prints."""
