"""From the user's own images to a model for their microscope."""
