"""Corrections (校核) at a station: doubting as a reader, answering as a provider."""
