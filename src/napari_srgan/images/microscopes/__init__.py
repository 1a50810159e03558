"""The microscopes' own formats, through bioio and its readers."""
