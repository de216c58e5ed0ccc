"""A web server of a test, on a free port of this machine."""

import threading
from http.server import ThreadingHTTPServer


class LocalServer:
    """Serves for as long as it is a context."""

    def handler_class(self):
        """The class that answers requests."""
        raise NotImplementedError

    def __enter__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler_class())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"
