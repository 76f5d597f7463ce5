"""``doorward serve``: sockets, certificates, worker processes and the way to a graceful end.

What an embedded instance gets from its host is here for the stand-alone one. Nothing in this package knows accounts,
tokens or sessions: the app is a factory named by an import string that takes ``Settings`` and returns an ASGI app.
"""
