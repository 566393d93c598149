"""Signed tokens: the signer accepts its own and refuses all others."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pagination.signer import Signer

SIGNER = Signer(b"a key")
PAYLOADS = st.binary(max_size=80)
CONTEXTS = st.binary(max_size=20)


def is_refused(token: str, context: bytes, signer: Signer = SIGNER) -> bool:
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
def test_verifying_a_token_returns_its_payload(payload: bytes, context: bytes) -> None:
    token = SIGNER.sign(payload, context)
    assert SIGNER.verify(token, context) == payload
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)


@given(PAYLOADS, CONTEXTS, st.data())
def test_a_token_with_one_flipped_bit_of_its_bytes_is_refused(
    payload: bytes, context: bytes, data: st.DataObject
) -> None:
    signed = bytearray(decoded(SIGNER.sign(payload, context)))
    bit = data.draw(st.integers(0, 8 * len(signed) - 1))
    signed[bit // 8] ^= 1 << bit % 8
    assert is_refused(encoded(bytes(signed)), context)


@given(PAYLOADS, CONTEXTS, st.data())
def test_a_token_with_one_flipped_bit_of_its_text_is_refused(
    payload: bytes, context: bytes, data: st.DataObject
) -> None:
    token = bytearray(SIGNER.sign(payload, context), "ascii")
    bit = data.draw(st.integers(0, 8 * len(token) - 1))
    token[bit // 8] ^= 1 << bit % 8
    assert is_refused(token.decode("latin-1"), context)


@given(PAYLOADS, CONTEXTS, CONTEXTS)
def test_a_token_is_valid_only_for_its_context(payload: bytes, one: bytes, other: bytes) -> None:
    assert is_refused(SIGNER.sign(payload, one), other) == (one != other)


def test_bytes_moved_from_the_context_into_the_payload_are_refused() -> None:
    signature = decoded(SIGNER.sign(b"payload", b"context "))[-16:]
    assert is_refused(encoded(b"context payload" + signature), b"")


@given(PAYLOADS)
def test_a_token_of_another_key_is_refused(payload: bytes) -> None:
    assert is_refused(Signer(b"another key").sign(payload, b""), b"")


@given(st.text(max_size=64))
def test_text_that_was_never_signed_is_refused(text: str) -> None:
    assert is_refused(text, b"")


@pytest.mark.parametrize(
    "altered",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: token[:20],
        lambda token: token + "A",
        lambda token: token + "=",
        lambda token: token + "==",
        lambda token: token[:-1] + chr(ord(token[-1]) + 1),  # the same bytes in another spelling
        lambda token: f" {token}",
        lambda token: f"{token}\n",
        lambda token: "é" * len(token),
    ],
)
def test_only_the_canonical_spelling_of_a_token_is_valid(altered: Callable[[str], str]) -> None:
    token = SIGNER.sign(b"abc", b"")  # 19 bytes: its last character has unused bits
    assert SIGNER.verify(token, b"") == b"abc"
    assert is_refused(altered(token), b"")


def test_the_signature_is_the_first_half_of_hmac_sha256() -> None:
    message = b"pagination cursor 1 7 contextpayload"
    expected = hmac.new(b"a key", message, hashlib.sha256).digest()[:16]
    assert decoded(SIGNER.sign(b"payload", b"context")) == b"payload" + expected
