"""The Equinox implementation."""
