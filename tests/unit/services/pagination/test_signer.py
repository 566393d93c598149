"""Tokens: their maker knows them again, and takes no other."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pagination.signer import Signer

SIGNER = Signer(b"a key")
PAYLOADS = st.binary(max_size=80)
CONTEXTS = st.binary(max_size=20)


def refused(token: str, context: bytes, signer: Signer = SIGNER) -> bool:
    try:
        signer.verify(token, context)
    except ValueError:
        return True
    return False


def decoded(token: str) -> bytes:
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))


def encoded(signed: bytes) -> str:
    return urlsafe_b64encode(signed).decode().rstrip("=")


@given(PAYLOADS, CONTEXTS)
def test_a_payload_comes_back_from_its_token(payload: bytes, context: bytes) -> None:
    token = SIGNER.sign(payload, context)
    assert SIGNER.verify(token, context) == payload
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)


@given(PAYLOADS, CONTEXTS, st.data())
def test_one_bit_of_payload_or_signature_turned_over_is_refused(
    payload: bytes, context: bytes, data: st.DataObject
) -> None:
    signed = bytearray(decoded(SIGNER.sign(payload, context)))
    bit = data.draw(st.integers(0, 8 * len(signed) - 1))
    signed[bit // 8] ^= 1 << bit % 8
    assert refused(encoded(bytes(signed)), context)


@given(PAYLOADS, CONTEXTS, st.data())
def test_one_bit_of_the_text_turned_over_is_refused(
    payload: bytes, context: bytes, data: st.DataObject
) -> None:
    token = bytearray(SIGNER.sign(payload, context), "ascii")
    bit = data.draw(st.integers(0, 8 * len(token) - 1))
    token[bit // 8] ^= 1 << bit % 8
    assert refused(token.decode("latin-1"), context)


@given(PAYLOADS, CONTEXTS, CONTEXTS)
def test_a_token_is_good_for_its_context_alone(payload: bytes, one: bytes, other: bytes) -> None:
    assert refused(SIGNER.sign(payload, one), other) == (one != other)


def test_what_moves_from_the_context_into_the_payload_is_refused() -> None:
    signature = decoded(SIGNER.sign(b"payload", b"context "))[-16:]
    assert refused(encoded(b"context payload" + signature), b"")


@given(PAYLOADS)
def test_a_token_of_another_key_is_refused(payload: bytes) -> None:
    assert refused(Signer(b"another key").sign(payload, b""), b"")


@given(st.text(max_size=64))
def test_any_text_is_refused(text: str) -> None:
    assert refused(text, b"")


TOKEN = SIGNER.sign(b"abc", b"")  # 19 bytes, so that its last character carries bits to spare


@pytest.mark.parametrize(
    "token",
    [
        "",
        TOKEN[:-1],
        TOKEN[:20],
        TOKEN + "A",
        TOKEN + "=",
        TOKEN + "==",
        TOKEN[:-1] + chr(ord(TOKEN[-1]) + 1),  # the same bytes, spelled otherwise
        f" {TOKEN}",
        f"{TOKEN}\n",
        "é" * len(TOKEN),
    ],
)
def test_a_token_has_one_spelling(token: str) -> None:
    assert refused(token, b"")


def test_the_signature_is_half_of_hmac_sha256() -> None:
    message = b"pagination cursor 1 7 contextpayload"
    expected = hmac.new(b"a key", message, hashlib.sha256).digest()[:16]
    assert decoded(SIGNER.sign(b"payload", b"context")) == b"payload" + expected
