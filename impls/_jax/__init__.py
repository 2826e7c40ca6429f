"""What adapters of libraries on JAX share; nothing in it knows one of them."""
