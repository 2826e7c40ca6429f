"""What is equal for all frameworks: networks, initial weights, orders, random numbers."""
