"""The Flax implementation."""
