"""Pairs of low- and high-resolution images of one field: matched, checked, read for training."""
