"""The PyTorch implementation."""
