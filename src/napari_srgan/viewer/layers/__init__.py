"""From layers to images and back: where they lie, how they look, which files they are read from."""
