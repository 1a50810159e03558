"""Results larger than memory: stores that are written block by block and go on after a kill."""
