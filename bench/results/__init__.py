"""What is kept of a run: records, certificates, checkpoints, and the folder that holds them."""
