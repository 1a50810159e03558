"""From a recipe to a model file: a training from its first step to its card."""
