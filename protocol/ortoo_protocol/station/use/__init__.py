"""What becomes of grants while they are used, as every party keeps it: provider, reader, hub."""
