"""HealthChain with one service that answers one card that was written before; run by a Python that has HealthChain.

`python healthchain_peer.py` serves on a free port of 127.0.0.1 and prints the port. It is built and served as
HealthChain documents it: a CDSHooksService of a HealthChainAPI, run by uvicorn with its own settings, events on.
Nothing of this repository is imported, for that Python need not have it.
"""

import json
import socket
import sys
from importlib.metadata import version

import uvicorn
from healthchain.gateway import CDSHooksService, HealthChainAPI
from healthchain.models import Card, CDSRequest, CDSResponse


def main(hook: str, service: str, card: str) -> None:
    """Serve until SIGTERM. card: the card as JSON."""
    written = json.loads(card)
    hooks = CDSHooksService()

    @hooks.hook(hook, id=service)
    def answer(request: CDSRequest) -> CDSResponse:
        return CDSResponse(cards=[Card(**written)])

    app = HealthChainAPI()
    app.register_service(hooks)
    # As uvicorn opens it: on a socket that does not say TCP, asyncio leaves TCP_NODELAY off, and each answer waits.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print(f"port {listener.getsockname()[1]} {version('healthchain')}", flush=True)
    sys.stdout = sys.stderr  # its banner; nobody reads the pipe any more
    uvicorn.Server(uvicorn.Config(app)).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
