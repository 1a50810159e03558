"""TIFF, OME-TIFF and ImageJ's TIFF, read and written."""
