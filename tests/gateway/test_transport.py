import asyncio
import datetime as dt
import os
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from portfolio_mm.actors import framing
from portfolio_mm.actors.framing import FrameKind, Records
from portfolio_mm.actors.messages import Ask, Hello, Welcome
from portfolio_mm.actors.transport import BUFFER_BYTES, Peer, Tls, connect, expect_hello, join, serve
from portfolio_mm.domain.commands import COMMAND
from portfolio_mm.domain.errors import ProtocolError
from portfolio_mm.domain.events import EVENT

TOKEN = "run secret"
WELCOME = Welcome(gateway_epoch=3, peer_epoch=5, run=7, account="0xabc")


def hello(token: str = TOKEN) -> Hello:
    return Hello(role="coin", name="coin:BTC", token=token, pid=os.getpid())


async def echo(peer: Peer) -> None:
    await expect_hello(peer, TOKEN)
    peer.send_message(WELCOME)
    async for frame in peer:
        if isinstance(frame, Records):
            peer.send_records(frame.kind, frame.rows)
        else:
            peer.send_message(frame)


async def test_messages_and_records_pass_unchanged_over_a_unix_socket(tmp_path: Path) -> None:
    listener = await serve(f"unix:{tmp_path}/private/hub.sock", echo)
    peer, welcome = await join(listener.address, hello())
    assert welcome == WELCOME
    rows = np.zeros(3, COMMAND)
    rows["px_ticks"] = (1, 2, 3)
    peer.send_message(Ask("kill", "because"))
    peer.send_records(FrameKind.COMMANDS, rows)
    assert await peer.receive() == Ask("kill", "because")
    back = await peer.receive()
    assert isinstance(back, Records)
    assert back.rows.dtype == COMMAND
    assert back.rows["px_ticks"].tolist() == [1, 2, 3]
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o700
    await peer.close()
    await listener.close()


async def test_a_wrong_token_is_never_welcomed(tmp_path: Path) -> None:
    listener = await serve(f"{tmp_path}/hub.sock", echo)
    with pytest.raises(ProtocolError, match="did not welcome"):
        await join(listener.address, hello("guess"))
    await listener.close()


async def test_an_oversized_frame_ends_the_connection(tmp_path: Path) -> None:
    listener = await serve(f"{tmp_path}/hub.sock", echo)
    peer, _ = await join(listener.address, hello())
    peer._writer.write(framing.HEADER.pack(framing.MAX_FRAME_BYTES + 1, 1))
    assert await peer.receive() is None
    await peer.close()
    await listener.close()


@pytest.mark.parametrize(("kind", "body"), [(1, b"\xc1"), (2, b"half"), (9, b""), (1, b"\x81\xa4type\xa3foo")])
def test_what_is_no_known_frame_breaks_the_protocol(kind: int, body: bytes) -> None:
    with pytest.raises(ProtocolError):
        framing.decode(kind, body)


async def test_a_slow_reader_is_told_no_instead_of_eating_memory(tmp_path: Path) -> None:
    accepted: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()

    async def hold(peer: Peer) -> None:
        accepted.set_result(peer)
        await peer.receive()

    listener = await serve(f"{tmp_path}/hub.sock", hold)
    client = await connect(listener.address)
    peer = await accepted
    block = np.zeros(2000, EVENT)
    sent = 0
    while peer.send_records(FrameKind.EVENTS, block):
        sent += 1
        assert sent < 100
    assert peer.buffered < BUFFER_BYTES + 2 * block.nbytes
    client.abort()
    await listener.close()


def certificate(folder: Path) -> Tls:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "portfolio-mm")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "node.crt", folder / "node.key"
    cert_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Tls(cert_file, key_file)


async def test_between_nodes_frames_pass_over_tls(tmp_path: Path) -> None:
    tls = certificate(tmp_path)
    listener = await serve("tls://127.0.0.1:0", echo, tls)
    peer, _ = await join(listener.address, hello(), Tls(tls.certificate))
    peer.send_message(Ask("view"))
    assert await peer.receive() == Ask("view")
    await peer.close()
    await listener.close()
