"""The Trust widget: what can be believed of a result."""
