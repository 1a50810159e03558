"""zarr and OME-Zarr, in a folder, in a zip file or on a server."""
