"""A Temporal that wants a certificate of ours: a profile names the files, as for Temporal Cloud."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import ssl

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from worker.config import Settings
from worker.errors import TemporalError
from worker.temporal import connect

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOT_USED_FOR = (
    *("content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "encipher_only", "decipher_only"),
)


def certify(directory, name: str, signer=None):
    """A key and a certificate as files; signed by ``signer``, or by itself as an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer[1].subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=signer is None,
                crl_sign=signer is None,
                **dict.fromkeys(NOT_USED_FOR, False),
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((signer[0] if signer else key).public_key()),
            critical=False,
        )
    )
    certificate = builder.sign(signer[0] if signer else key, hashes.SHA256())
    (directory / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / f"{name}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return key, certificate


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Of an authority, the server and a client."""
    directory = tmp_path_factory.mktemp("certificates")
    authority = certify(directory, "authority")
    for name in ("server", "client"):
        certify(directory, name, authority)
    return directory


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(temporal_server, certificates):
    """The address of a door in front of Temporal that asks for a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "authority.pem")
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    host, port = temporal_server.address.split(":")

    connections: set[asyncio.Task[None]] = set()

    async def pump(reader, writer) -> None:
        """One direction of one connection."""
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()

    async def through(reader, writer) -> None:
        """One connection, until either side ends it."""
        task = asyncio.current_task()
        connections.add(task)
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
        directions = [
            asyncio.create_task(pump(reader, inner_writer)),
            asyncio.create_task(pump(inner_reader, writer)),
        ]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            for each in (writer, inner_writer):
                each.transport.abort()
                with contextlib.suppress(OSError):
                    await each.wait_closed()
            connections.discard(task)

    server = await asyncio.start_server(through, "127.0.0.1", 0, ssl=context)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for task in [*connections]:
        task.cancel()
    await asyncio.gather(*connections, return_exceptions=True)


def settings(directory, address: str, client: str) -> Settings:
    """From a profile in a file."""
    (directory / "temporal.toml").write_text(
        f'[profile.cloud]\naddress = "{address}"\n[profile.cloud.tls]\n{client}'
        f'server_ca_cert_path = "{directory}/authority.pem"\n'
    )
    return Settings.load(
        {
            "AK_HOME": str(directory),
            "TEMPORAL_CONFIG_FILE": str(directory / "temporal.toml"),
            "TEMPORAL_PROFILE": "cloud",
        }
    )


async def test_profile_with_a_certificate_connects(door, certificates):
    """Address and files come from the profile."""
    client = (
        f'client_cert_path = "{certificates}/client.pem"\nclient_key_path = "{certificates}/client.key"\n'
    )
    connected = await connect(settings(certificates, door, client))
    assert (await connected.count_workflows("")).count >= 0


async def test_profile_without_one_is_refused(door, certificates):
    """The error says where nobody answers us."""
    with pytest.raises(TemporalError, match=f"at {door}"):
        await connect(settings(certificates, door, ""), patience_seconds=1.0)
