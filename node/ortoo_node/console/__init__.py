"""The console of a station, one file a section: its pages, and its actions in `actions/`."""
