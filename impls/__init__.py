"""One folder a framework: its adapter and its model; none knows of another."""
