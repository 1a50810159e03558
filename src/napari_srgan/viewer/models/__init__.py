"""The Models widget: what there is to choose from, and what can be done with it."""
