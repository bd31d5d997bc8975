"""The catalog as files that people and other programs work with: Excel, CSV, JSON."""
