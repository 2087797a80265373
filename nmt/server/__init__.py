"""The server: models over HTTP, in the shapes of LibreTranslate's API, and a page to use them.

Modules in the order in which a request meets them: `connections` (a slow client gets no place),
`security` (which hosts, which headers), `app` (the routes), `reading` (what is asked for, and
limits), `texts` (a text as sentences), `work` (what a model does with them), `batching` (in which
order, and what together), `replies` (what it comes to).
"""
