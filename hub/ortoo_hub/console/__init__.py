"""What the authority sees of the region in a browser, and does there."""
