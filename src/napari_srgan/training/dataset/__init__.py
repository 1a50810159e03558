"""What the bundled models learn from, and what they are judged by."""
