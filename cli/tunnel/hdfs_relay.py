"""WebHDFS through a tunnel: the name node redirects clients to data nodes, so redirects are rewritten.

A redirect names a data node by the address that it has inside the cluster. It becomes that of a listener on
loopback, which leads to that data node.

WebHDFS believes whatever name a client gives, and a web page could call it here. So requests of web pages are
refused: those with another name than that of loopback, and those with the origin of a page.
"""

import re
from urllib.parse import urlsplit, urlunsplit

from cli.tunnel.relay import CHUNK, HOST, Relay, Stream, carry_both, copy

_END = b"\r\n\r\n"
_LARGEST = 1 << 16
_LOCATION = re.compile(rb"(?im)^(location:[ \t]*)(http://[^\r\n]+)")
_CONNECTION = re.compile(rb"(?im)^(?:connection|keep-alive|proxy-connection):[^\r\n]*\r\n")
_HOST = re.compile(rb"(?im)^host:[ \t]*([^\r\n]*?)(?::[0-9]*)?[ \t]*\r\n")
_ORIGIN = re.compile(rb"(?im)^origin:")
_OWN = {HOST.encode(), b"localhost"}
_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_INFORMATIONAL = re.compile(rb"HTTP/1\.[01] 1\d\d ")


class HdfsRelay(Relay):
    """The listeners for the nodes of one HDFS."""

    def carry(self, client: Stream, server: Stream) -> None:
        """Carry one request and its answer. Both sides are told that the connection ends with it."""

        def up() -> None:
            head, rest = _head(client)
            if _is_of_page(head):
                client.sendall(_REFUSAL)
                raise ValueError("a web page sent this request")
            server.sendall(_closing(head) + rest)
            copy(client, server)

        def down() -> None:
            head, rest = _head(server)
            while _INFORMATIONAL.match(head):  # "100 Continue" comes before the answer
                client.sendall(head)
                head, rest = _head(server, rest)
            client.sendall(_LOCATION.sub(self._here, _closing(head)) + rest)
            copy(server, client)

        carry_both(client, server, up, down)

    def _here(self, location: re.Match[bytes]) -> bytes:
        url = urlsplit(location[2].decode("latin-1"))
        port = self.port_for((url.hostname or "", url.port or 80))
        return location[1] + urlunsplit(url._replace(netloc=f"{HOST}:{port}")).encode("latin-1")


def _head(source: Stream, begun: bytes = b"") -> tuple[bytes, bytes]:
    """The head of a message, and what came with it. Raises ValueError if it has none."""
    content = begun
    while _END not in content:
        if len(content) > _LARGEST:
            raise ValueError("this is not HTTP: a head without an end")
        chunk = source.recv(CHUNK)
        if not chunk:
            raise ValueError("the connection ended within a head")
        content += chunk
    end = content.index(_END) + len(_END)
    return content[:end], content[end:]


def _is_of_page(head: bytes) -> bool:
    """Whether a web page sent a request. No client of WebHDFS names an origin."""
    hosts = _HOST.findall(head)
    return len(hosts) != 1 or hosts[0].lower() not in _OWN or bool(_ORIGIN.search(head))


def _closing(head: bytes) -> bytes:
    """The head with the notice that no other message follows."""
    return _CONNECTION.sub(b"", head)[: -len(_END)] + b"\r\nConnection: close" + _END
