"""From a high-resolution image to the low-resolution one: optics, sampling, camera."""
