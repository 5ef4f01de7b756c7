"""Streams and servers."""

from . import core


class Stream:
    def __init__(self, s, e={}):
        self.s = s
        self.e = e
        self.out_buf = b""

    def get_extra_info(self, name):
        return self.e[name]

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, value, trace):
        await self.wait_closed()

    def close(self):
        pass

    async def wait_closed(self):
        self.s.close()

    async def read(self, n=-1):
        yield core._io_queue.queue_read(self.s)
        return self.s.read(n)

    async def readinto(self, buf):
        yield core._io_queue.queue_read(self.s)
        return self.s.readinto(buf)

    async def readexactly(self, n):
        data = b""
        while n:
            yield core._io_queue.queue_read(self.s)
            more = self.s.read(n)
            if more is not None:
                if not more:
                    raise EOFError
                data += more
                n -= len(more)
        return data

    async def readline(self):
        line = b""
        while True:
            yield core._io_queue.queue_read(self.s)
            more = self.s.readline()
            if more is None:
                continue
            line += more
            if not more or line[-1] == 10:
                return line

    def write(self, buf):
        self.out_buf += buf

    async def drain(self):
        view = memoryview(self.out_buf)
        place = 0
        while place < len(view):
            yield core._io_queue.queue_write(self.s)
            count = self.s.write(view[place:])
            if count is not None:
                place += count
        self.out_buf = b""

    # Names of earlier releases.
    async def aclose(self):
        await self.wait_closed()

    async def awrite(self, buf, off=0, sz=-1):
        if off != 0 or sz != -1:
            buf = memoryview(buf)[off : len(buf) if sz == -1 else off + sz]
        self.write(buf)
        await self.drain()

    awritestr = awrite


StreamReader = Stream
StreamWriter = Stream


async def open_connection(host, port):
    import socket
    from errno import EINPROGRESS

    address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
    s = socket.socket(address[0], address[1], address[2])
    s.setblocking(False)
    stream = Stream(s)
    try:
        s.connect(address[-1])
    except OSError as error:
        if error.errno != EINPROGRESS:
            raise error
    yield core._io_queue.queue_write(s)
    return stream, stream


class Server:
    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, value, trace):
        self.close()
        await self.wait_closed()

    def close(self):
        self.task.cancel()

    async def wait_closed(self):
        await self.task

    async def _serve(self, s, callback):
        while True:
            try:
                yield core._io_queue.queue_read(s)
            except core.CancelledError:
                s.close()
                return
            try:
                accepted, address = s.accept()
            except OSError:
                continue
            accepted.setblocking(False)
            stream = Stream(accepted, {"peername": address})
            core.create_task(callback(stream, stream))


async def start_server(callback, host, port, backlog=5):
    import socket

    address = socket.getaddrinfo(host, port)[0]
    s = socket.socket()
    s.setblocking(False)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(address[-1])
    s.listen(backlog)
    server = Server()
    server.task = core.create_task(server._serve(s, callback))
    return server
