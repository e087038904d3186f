"""A proxy on loopback that answers for any https host: for clients whose hosts are fixed and may only be https.

A client that is told of it by HTTPS_PROXY, and of its certificate by SSL_CERT_FILE, says CONNECT and then speaks TLS
with it; what it says is handed on in plain HTTP, its Host header as it was.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

CHUNK = 1 << 16


class TlsProxy(ThreadingTCPServer):
    """Takes the place of `hosts`; everything goes to 127.0.0.1:`port`. `folder` gets the certificate."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, hosts: Sequence[str], port: int, folder: Path) -> None:
        self.target = ("127.0.0.1", port)
        self.certificate = folder / "proxy.pem"
        self.certificate.write_bytes(_certificate(hosts))
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.certificate)
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    @property
    def environment(self) -> dict[str, str]:
        """What makes a client use it."""
        return {
            "HTTPS_PROXY": f"http://127.0.0.1:{self.server_address[1]}",
            "SSL_CERT_FILE": str(self.certificate),
            "NO_PROXY": "",
            "no_proxy": "",
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Tunnel(StreamRequestHandler):
    """One CONNECT; it ends with the client's connection."""

    server: TlsProxy

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with (
            suppress(OSError),
            self.server.tls.wrap_socket(self.request, server_side=True) as client,
            socket.create_connection(self.server.target) as target,
        ):
            back = threading.Thread(target=_hand_on, args=(target, client), daemon=True)
            back.start()
            _hand_on(client, target)
            back.join()


def _hand_on(source: socket.socket, sink: socket.socket) -> None:
    """Everything that one side says, until it ends."""
    with suppress(OSError):
        while chunk := source.recv(CHUNK):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


def _certificate(hosts: Sequence[str]) -> bytes:
    """A key and a certificate that signs itself for the hosts, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + made.public_bytes(Encoding.PEM)
