"""`python -m ortoo_protocol.verify BUNDLE`: a bundle of evidence, checked by anyone, offline.

Nothing of a station is needed or imported: the core, and the languages.
"""
