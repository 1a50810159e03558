"""Files on a disk: written by one at a time, whole or not at all, where there is room."""
