"""The region at a glance (总览): what the hub knows of each league, and what goes between them.

Everything here reads; every answer is bounded, by the region's twelve leagues, a window of time, or
MOST.
"""
