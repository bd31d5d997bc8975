"""Corrections (校核) as every side keeps them: reader, provider, hub."""
