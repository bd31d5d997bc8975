"""Supervision (监督考核): what an authority sees, asks, decides and reports (art. 28 to 36).

Figures in, values out: nothing here reads a store, a clock or a file. The authority is the one of
the same level (本级): a station's for its own departments, the region's hub for leagues.
"""
