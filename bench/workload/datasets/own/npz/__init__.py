"""`npz:PATH`, a NumPy archive of arrays for training and test."""
