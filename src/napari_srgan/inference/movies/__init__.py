"""Time: which frames help each other, and what a movie looks like along it."""
