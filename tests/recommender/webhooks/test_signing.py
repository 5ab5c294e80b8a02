"""Signatures against the specification's own vector and its own library."""

import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from recommender.sealed import UnreadableSecretError
from recommender.webhooks import signing

SECRET, ID = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_the_vector_of_the_specification() -> None:
    signed = signing.signature(SECRET, ID, 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@hypothesis_settings(max_examples=15)
@given(st.dictionaries(st.text(), st.text() | st.integers()))
def test_its_library_signs_the_same(data: dict[str, object]) -> None:
    secret, body = signing.new_secret(), json.dumps(data)
    at = datetime.now(UTC)
    assert Webhook(secret).sign(ID, at, body) == signing.signature(secret, ID, int(at.timestamp()), body.encode())


def test_its_library_takes_either_secret_while_both_are_valid_and_no_other() -> None:
    new, old, other = signing.new_secret(), signing.new_secret(), signing.new_secret()
    body = '{"naïve": "é"}'
    sent = signing.headers([new, old], ID, int(time.time()), body.encode())
    assert Webhook(new).verify(body, sent) == Webhook(old).verify(body, sent) == json.loads(body)
    for secret, changed in ((other, body), (new, body + " ")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(changed, sent)


def test_a_secret_is_kept_unreadable_without_the_key(settings: object) -> None:
    secret = signing.new_secret()
    stored = signing.encrypted(secret)
    assert secret not in stored
    assert signing.decrypted(stored) == secret
    settings.SECRET_KEY = "another"  # type: ignore[attr-defined]
    with pytest.raises(UnreadableSecretError, match="make a new one"):
        signing.decrypted(stored)
