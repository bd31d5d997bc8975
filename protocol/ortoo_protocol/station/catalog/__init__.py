"""The catalog to be searched and counted: what station and hub do alike with the entries they
hold. The entries themselves stand in tables of their own at each."""
