"""The server: models over HTTP, in the shapes of LibreTranslate's API, and a page to use them.

Modules in the order in which a request meets them: `connections` (a slow client gets no place),
`guard` (which hosts, which headers), `app` (the routes), `requests` (what is asked for, and
limits), `texts` (a text as sentences), `work` (what a model does with them), `batching` (in which
order, and what together), `responses` (what it comes to).
"""
