"""One request to receivers that are slow, endless, broken or not who they should be."""

import datetime
import ipaddress
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from recommender.webhooks import sending
from tests import webhook_receiver
from tests.webhook_receiver import Reply

SOON = 3.0  # seconds: far below what a receiver that never ends would take, above what a busy machine does


def test_who_never_answers_is_waited_for_so_long_and_no_longer(settings: Any) -> None:
    settings.WEBHOOK_TIMEOUT = 0.3
    with webhook_receiver.running(Reply(hang=True)) as receiver:
        began = time.monotonic()
        answer = sending.post(receiver.url, {}, b"{}")
        assert time.monotonic() - began < SOON
    assert (answer.status, answer.error) == (None, "No answer came within 0.3 seconds.")
    assert answer.duration_ms >= 300


@pytest.mark.parametrize("reply", [Reply(200, endless=True, body=b"Hi."), Reply(200, trickle=True, body=b"Hi.")])
def test_of_an_answer_without_an_end_the_beginning_is_read(
    reply: Reply, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "ANSWER_SECONDS", 0.3)
    with webhook_receiver.running(reply) as receiver:
        began = time.monotonic()
        answer = sending.post(receiver.url, {}, b"{}")
        assert time.monotonic() - began < SOON
    assert answer.succeeded
    assert answer.text.startswith("Hi.x")
    assert len(answer.text) <= 500


def test_what_both_databases_take_is_kept_of_an_answer() -> None:
    with webhook_receiver.running(Reply(500, body=b"a\x00\xff\xd8b")) as receiver:
        answer = sending.post(receiver.url, {}, b"{}")
    assert (answer.status, answer.succeeded, answer.text) == (500, False, "a\ufffd\ufffd\ufffdb")


def test_nobody_there_is_said() -> None:
    with webhook_receiver.running() as receiver:
        url = receiver.url
    answer = sending.post(url, {}, b"{}")
    assert answer.status is None
    assert "ConnectError" in answer.error


def test_a_certificate_must_be_of_the_host_and_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = certificate(tmp_path, "127.0.0.1")
    with webhook_receiver.running(pem=pem) as receiver:
        sending.authorities.cache_clear()
        refused = sending.post(receiver.url, {}, b"{}")
        assert "CERTIFICATE_VERIFY_FAILED" in refused.error
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        sending.authorities.cache_clear()
        assert sending.post(receiver.url, {}, b"{}").succeeded
        other = receiver.url.replace("127.0.0.1", "localhost")  # the address is right, the name is not in it
        assert "CERTIFICATE_VERIFY_FAILED" in sending.post(other, {}, b"{}").error
    monkeypatch.undo()
    sending.authorities.cache_clear()
    assert [each.path for each in receiver.received] == ["/hooks"]


def certificate(folder: Path, address: str) -> Path:
    """A key and a certificate of its own for an address, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "receiver.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return pem
