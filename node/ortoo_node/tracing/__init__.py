"""Trace (溯源): from a row, a grant, a query or a download to what brought it, and to the people
behind it (Measures art. 24). What cannot be known any more is said, with its reason."""
