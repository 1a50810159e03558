"""Colours in files: tables in which intensities are shown, and colours of print."""
