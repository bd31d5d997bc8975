"""People's accounts at this station or hub: log-in, sessions, links, second factors, acts.

`desk.py` is what pages call; `administration.py` what administrators do with others' accounts.
argon2 and pyotp are loaded when the first password or code is looked at, so that a station without
a console does without them.
"""
