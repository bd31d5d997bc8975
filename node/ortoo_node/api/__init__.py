"""The programming interface for departments' programs: HTTP, one file a subject.

Started only when `[http]` stands in the settings; what serves it is imported then.
"""
