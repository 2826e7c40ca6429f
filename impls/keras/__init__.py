"""The Keras implementation, on each of its backends."""
