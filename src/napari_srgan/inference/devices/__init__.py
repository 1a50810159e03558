"""The device a network runs on: which, how much memory it has, how precise it is, how it is stopped."""
