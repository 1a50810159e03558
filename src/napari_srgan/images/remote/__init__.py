"""Images on servers, read as zarr: what a server does not give is never taken for empty."""
