"""People who use a station or hub (账号): roles, and the rules of passwords, locks and sessions.

Pure tables and functions; `station/accounts` keeps what they judge. R15: GB/T 22239 level 3 and
graded protection want two factors, lock-out, least privilege and three separate admins (三员分立).
"""
