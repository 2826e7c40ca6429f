"""The Keras implementation, on the TensorFlow backend."""
