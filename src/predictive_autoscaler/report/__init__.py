"""Reports that a person wants to look at: one self-contained page."""
