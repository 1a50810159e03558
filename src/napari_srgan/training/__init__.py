"""From images to a trained model."""
