"""The Fine-tune widget: from the user's own layers to a model."""
