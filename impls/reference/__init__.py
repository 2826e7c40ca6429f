"""The NumPy float64 oracle that every other implementation is compared with."""
