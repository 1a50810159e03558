"""The Upscale widget: its fields, what they mean, and what becomes of a run."""
