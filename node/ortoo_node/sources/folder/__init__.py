"""A folder of a front-end machine (前置机) as a source: files that have settled, read as rows."""
