"""lenet-bench: one network, one data order, several deep-learning frameworks, compared fairly."""

__version__ = "0.1.0"
