"""The server: gunicorn, and what it takes to stay whole beside clients that are slow.

`serving` runs it; `worker` waits for requests without a thread and ends connections without waiting; `arriving` tells
when a request is whole; `refusal` answers what is not HTTP.
"""

from cds_service.edges.server.serving import Opened, Serving, serve

__all__ = ["Opened", "Serving", "serve"]
