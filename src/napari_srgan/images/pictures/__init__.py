"""PNG, JPEG and WebP, still and animated."""
