"""One trained model over an array of any size and number of axes."""
