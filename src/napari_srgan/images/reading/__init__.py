"""What all formats share when a file is read: how much it may ask for, and its array, read part by part."""
