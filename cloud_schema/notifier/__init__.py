"""Takes pending user_notifications from the database and sends them.

ledger   claims rows and records what became of them
rendering   a row and its template become subject, text and HTML
addresses   what people give as addresses becomes services, or a refusal
egress   what may be connected to, how much is read, and when a connection is cut
sending   one message to its addresses, and what that came to
worker   the loop over all of it
"""
