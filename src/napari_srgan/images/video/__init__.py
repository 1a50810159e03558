"""Video files, frame by frame."""
