"""What all formats share when a result is written: whole or not at all, in memory or on disk."""
