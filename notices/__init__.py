"""What people are told: the customers that are off in words, and the words as a notice.

``scope``
    affected customers ⇄ place names and house numbers, true in both directions
``text``
    the facts of one outage → a notice in a language, for a channel
``rules``, ``rulebook``, ``leadtime``
    by when whom has to be told, by which rule; rule sets as data with their sources
``bulletin``, ``cap``, ``feeds``
    what everybody may know of an outage → CAP 1.2, Atom, iCalendar, and JSON as ODIN shapes it

Everything here is pure: values in, values out, no clock and no files but the templates and rule sets.
"""
