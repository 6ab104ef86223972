"""What people are told: which words, to whom, by when, by which channel, and the proof of it.

``scope``
    affected customers ⇄ place names and house numbers, true in both directions
``text``, ``fit``, ``measure``
    the facts of one outage → a notice in a language, for a channel, as long as there is room for
``crosscheck``, ``said``
    what texts say, compared with each other and with what an edit made of them
``rules``, ``rulebook``, ``leadtime``
    by when whom has to be told, by which rule; rule sets as data with their sources
``plan``, ``people``, ``change``
    what changed since people were told → who is told what, each person once
``dossier``, ``registry``
    a notice from draft to issue, and where it is kept
``outbox``, ``deliver``, ``channels``
    messages on their way: by folders, mail, gateways and post, each attempt with its proof
``paper``, ``newspaper``, ``personal``
    letters and the page of a newspaper; one text for many people
``bulletin``, ``cap``, ``feeds``
    what everybody may know of an outage → CAP 1.2, Atom, iCalendar, and JSON as ODIN shapes it

All of it is pure (values in, values out, no clock and no files but the templates and rule sets), except where notices are kept
and messages sent: ``registry`` with ``drafts``, ``told`` and ``subscriptions``, ``outbox``, ``deliver`` and ``channels``.
"""
