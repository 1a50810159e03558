"""Image files in and out: lazily where the format allows it, whole or not at all."""
