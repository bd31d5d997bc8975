"""What the consoles of stations and of the hub share: signing in, pages, forms, live parts.

A console is one more caller of the control methods that the command line calls. It decides who may
call which, makes forms of their parameters and pages of their answers; what is lawful and what is
possible the methods decide, for everybody alike.
"""
