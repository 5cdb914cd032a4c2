"""A gthread worker in which only whole requests get a thread, and no client is waited for without a limit.

gunicorn gives a thread to whoever connects, and reads and writes without a time limit: a few clients that send or take
one byte now and then would hold all threads. Here the worker's one loop gathers what arrives, of all clients at once;
a request that is whole goes to a thread. All reading of one request is timed against one deadline that starts with its
first byte. When it is over, a body that is not there fails with TimeoutError, for which the web edge answers 408; a
client that is as slow with its headers is hung up on. docs/explanation/reliability.md has the limits.
"""

import contextlib
import errno
import fcntl
import logging
import queue
import selectors
import signal
import socket
import struct
import termios
import time
from collections import deque
from functools import partial
from typing import Any

from gunicorn.http import errors  # type: ignore[import-untyped]
from gunicorn.util import write_nonblock  # type: ignore[import-untyped]
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker  # type: ignore[import-untyped]

from cds_service.edges.server.arriving import Arriving
from cds_service.edges.server.refusal import refusal_of

READ_BYTES, MOST_READ_BYTES = 64 * 1024, 1024 * 1024  # at once; the second where so much is known to come
HELD_BYTES = 64 * 1024 * 1024  # of requests that are not whole, in one worker; what is beyond it takes a thread
ANSWER_S = 10.0  # a client must have taken an answer by then
ANSWER_BYTES = 256 * 1024  # of an answer wait for the client outside the thread
LINGER_S, LINGER_BYTES = 2.0, 64 * 1024  # after an answer that closes, for the client to have read it
SWEEP_S = 0.25

_log = logging.getLogger("cds_service")


class TimedSocket:
    """A socket whose reads share one deadline; a class because gunicorn's reader wants a socket.

    held:  what was read of it before; it comes first.
    until: moment of time.monotonic() after which a read raises `late`.
    """

    def __init__(self, sock: socket.socket, until: float, held: bytes = b"") -> None:
        self._sock = sock
        self._until = until
        self._held = memoryview(held)
        # gunicorn takes NoMoreData among the headers for a client that went away, and closes without a word.
        self.late: type[Exception] = errors.NoMoreData

    def recv(self, size: int) -> bytes:
        if self._held:
            given, self._held = self._held[:size], self._held[size:]
            return bytes(given)
        left = self._until - time.monotonic()
        if left <= 0:
            raise self.late()
        self._sock.settimeout(left)
        try:
            received: bytes = self._sock.recv(size)
            return received
        except TimeoutError:
            raise self.late() from None
        finally:
            self._sock.settimeout(ANSWER_S)

    @property
    def rest(self) -> bytes:
        """What is held and nobody read: the beginning of the next request."""
        return bytes(self._held)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class Connection(TConn):  # type: ignore[misc]
    """A client, and what has arrived of its next request. until: moment after which it is not waited for any more."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any, until: float) -> None:
        super().__init__(cfg, sock, client, server)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWER_BYTES)
        self.until = until
        self.arriving = Arriving()
        self.held = 0  # bytes of it that the worker's loop holds
        self.in_part = False  # a thread has it although it is not whole
        self.data_ready = True  # gunicorn then waits for no first byte

    def init(self) -> None:
        """Called in the thread that has the request: what reads it begins with what is there."""
        super().init()
        self.sock.settimeout(ANSWER_S)
        self.parser.unreader.sock = TimedSocket(self.sock, self.until, bytes(self.arriving.data))
        self.arriving = Arriving()

    def left_over(self) -> bytes:
        """What was read beyond the request."""
        buffered: bytes = self.parser.unreader.take_buffered()
        return buffered + bytes(self.parser.unreader.sock.rest)


def has_taken_all(conn: Connection) -> bool:
    """Whether the client has received what it was answered before: one that reads nothing gets no thread to fill."""
    if not conn.initialized:
        return True
    try:
        (left,) = struct.unpack("i", fcntl.ioctl(conn.sock, termios.TIOCOUTQ, struct.pack("i", 0)))
    except OSError:  # not told on this system, or the connection is gone
        return True
    return bool(left == 0)


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """See above. A subclass of it sets `deadline_s` and `refused`."""

    deadline_s = 10.0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.signals_of_master: queue.SimpleQueue[int] = queue.SimpleQueue()  # as it was at the fork
        self._waiting: set[Connection] = set()  # whose request is not whole yet
        self._lingering: dict[Connection, tuple[float, int]] = {}  # until when, and how many bytes it may still send
        self._held = 0  # bytes, of those that wait
        self._in_part = 0  # threads that have a request that is not whole
        self._for_a_thread: deque[Connection] = deque()  # not whole, and not to be waited for here
        self._not_reading: set[Connection] = set()  # whose next request waits until the answer before is taken
        self._swept = time.monotonic()
        self._port_let_go = False

    @staticmethod
    def refused(status: int, code: str) -> None:
        """Told of each request that is refused before it was read."""

    # --- arriving ---------------------------------------------------------------------------------------------------

    def accept(self, listener: Any) -> bool:
        """Let one client in; False when none is there."""
        try:
            sock, client = listener.accept()
        except OSError as fault:
            if fault.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return False
        self.nr_conns += 1
        conn = Connection(self.cfg, sock, client, listener.getsockname(), time.monotonic() + self.deadline_s)
        self._wait_for(conn)
        return True

    def on_client_socket_readable(self, conn: Connection, client: Any) -> None:
        """A client that was kept connected sends again, or is gone."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._wait_for(conn)

    def _wait_for(self, conn: Connection, come: bytes = b"") -> None:
        """Gather a request, of which `come` is there already, until it is whole."""
        conn.until = time.monotonic() + self.deadline_s
        conn.sock.setblocking(False)
        if come:
            self._take(conn, come)
        if not self._done(conn) and not self._read(conn):
            self._waiting.add(conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_more, conn))

    def _on_more(self, conn: Connection, sock: Any) -> None:
        if self._read(conn):
            self._waiting.discard(conn)
            self.poller.unregister(sock)

    def _read(self, conn: Connection) -> bool:
        """Take what has come, and say whether the request is out of this loop's hands."""
        try:
            more = conn.sock.recv(min(MOST_READ_BYTES, max(READ_BYTES, conn.arriving.wanted)))
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            more = b""
        if not more and not conn.arriving.data:
            self._let_go(conn)
            return True
        if not more:  # it was cut off: whoever reads it finds so
            self.enqueue_req(conn)
            return True
        if not conn.arriving.data:
            conn.until = time.monotonic() + self.deadline_s
        self._take(conn, more)
        return self._done(conn)

    def _take(self, conn: Connection, more: bytes) -> None:
        conn.arriving.take(more)
        conn.held += len(more)
        self._held += len(more)

    def _done(self, conn: Connection) -> bool:
        """Give the request to a thread if it is whole, or if more of it cannot be waited for here."""
        if conn.arriving.whole and has_taken_all(conn):
            self.enqueue_req(conn)
        elif conn.arriving.whole:
            conn.until = time.monotonic() + ANSWER_S
            self._not_reading.add(conn)
        elif (conn.arriving.has_head and conn.arriving.expecting) or self._held + conn.arriving.wanted > HELD_BYTES:
            self._for_a_thread.append(conn)
            self._give_threads()
        else:
            return False
        return True

    def _give_threads(self) -> None:
        """Let threads read what cannot be waited for here, but never all of them: whole requests have the others."""
        while self._for_a_thread and self._in_part < max(1, self.cfg.threads // 2):
            self._in_part += 1
            conn = self._for_a_thread.popleft()
            conn.in_part = True
            self.enqueue_req(conn)

    def _hold_nothing_of(self, conn: Connection) -> None:
        self._held -= conn.held
        conn.held = 0

    def enqueue_req(self, conn: Connection) -> None:
        self._hold_nothing_of(conn)
        super().enqueue_req(conn)

    def murder_pending(self) -> None:
        """Called by gunicorn's loop all the time: end what has taken too long."""
        now = time.monotonic()
        if now - self._swept < SWEEP_S:
            return
        self._swept = now
        for conn in [each for each in self._waiting if each.until <= now]:
            self._waiting.discard(conn)
            self.poller.unregister(conn.sock)
            if conn.arriving.has_head:
                self.enqueue_req(conn)  # what is left to do there is to say 408
            else:
                self._let_go(conn)
        for conn in [each for each in self._for_a_thread if each.until <= now]:
            self._for_a_thread.remove(conn)
            self.enqueue_req(conn)
        for conn in [each for each in self._not_reading if has_taken_all(each) or each.until <= now]:
            self._not_reading.discard(conn)
            (self.enqueue_req if has_taken_all(conn) else self._let_go)(conn)
        for conn in [each for each, (until, _) in self._lingering.items() if until <= now]:
            self._end_lingering(conn)

    # --- answering --------------------------------------------------------------------------------------------------

    def handle_request(self, req: Any, conn: Connection) -> Any:
        conn.parser.unreader.sock.late = TimeoutError
        try:
            return super().handle_request(req, conn)
        except TimeoutError:
            _log.warning("answer-not-taken")
            return False

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        status, code, response = refusal_of(exc)
        self.refused(status, code)
        try:
            write_nonblock(client, response)
        except OSError:
            _log.debug("client-gone")

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """Called in the loop when a thread is done with a request."""
        if conn.in_part:
            conn.in_part = False
            self._in_part -= 1
            self._give_threads()
        try:
            if fs.cancelled() or not fs.result():
                self._linger(conn)
            elif come := conn.left_over():
                self._wait_for(conn, come)
            else:
                super().finish_request(conn, fs)
        except Exception:
            self._let_go(conn)

    # --- ending -----------------------------------------------------------------------------------------------------

    def init_signals(self) -> None:
        """Begin to listen to signals; one that came since the fork ends this worker too.

        Until here the handlers are the master's, which put a signal into its queue, of which this process has a copy
        that nobody reads: gunicorn would wait for such a worker until its time of grace is over, and kill it.
        """
        super().init_signals()
        with contextlib.suppress(queue.Empty):
            while True:
                if self.signals_of_master.get_nowait() in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
                    self.alive = False

    def _let_go(self, conn: Connection) -> None:
        self._hold_nothing_of(conn)
        self.nr_conns -= 1
        conn.close()

    def _linger(self, conn: Connection) -> None:
        """End a connection so that its last answer arrives: what the client still sends is read for a moment.

        Source: RFC 9112, section 9.6. gunicorn would let this one loop wait for that client, two seconds at most.
        """
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_lingering, conn))
        except OSError:
            self._let_go(conn)
        else:
            self._lingering[conn] = time.monotonic() + LINGER_S, LINGER_BYTES

    def _on_lingering(self, conn: Connection, sock: Any) -> None:
        until, left = self._lingering[conn]
        try:
            came = len(sock.recv(4096))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            came = 0
        self._lingering[conn] = until, left - came
        if came == 0 or came >= left:
            self._end_lingering(conn)

    def _end_lingering(self, conn: Connection) -> None:
        del self._lingering[conn]
        self.poller.unregister(conn.sock)
        self._let_go(conn)

    def is_parent_alive(self) -> bool:
        """Without its master a worker ends in order: nobody would renew it, and it holds the port of the next."""
        if super().is_parent_alive():
            return True
        self.alive = False
        return False

    def set_accept_enabled(self, enabled: bool) -> None:
        """Let clients in or not. A worker that ends first lets in who is connected already, then lets go of the port.

        gunicorn would keep the port until it is done: whoever connects meanwhile waits for an answer that never comes.
        """
        if self.alive:
            super().set_accept_enabled(enabled)
        elif not self._port_let_go:
            self._port_let_go = True
            for listener in self.sockets:
                listener.setblocking(False)
                while self.accept(listener):
                    pass
            super().set_accept_enabled(False)
            for listener in self.sockets:
                listener.close()

    def _cap_keepalive(self, deadline: float) -> None:
        """Of those that have begun no request, wait only a moment for one."""
        super()._cap_keepalive(min(deadline, time.monotonic() + STOP_KEEPALIVE_LINGER))
        for conn in self._waiting:
            if not conn.arriving.data:
                conn.until = min(conn.until, deadline)
