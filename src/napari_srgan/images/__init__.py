"""An image, wherever it comes from: arrays and their axes, files and addresses, pixel sizes and looks."""
