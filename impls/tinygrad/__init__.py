"""The tinygrad implementation."""
