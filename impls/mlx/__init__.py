"""The MLX implementation."""
