"""The one way to run a job in a viewer."""
