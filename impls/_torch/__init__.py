"""What adapters of libraries on PyTorch share; nothing in it knows one of them."""
