"""Codes are those of RFC 6238, about now, and none twice."""

import base64

import pytest

from recommender.accounts import one_time

SECRET = base64.b32encode(b"12345678901234567890").decode()
RFC_6238 = {  # appendix B, SHA-1: the last six of its eight digits
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
    20000000000: "353130",
}


@pytest.mark.parametrize(("moment", "code"), RFC_6238.items())
def test_the_codes_of_the_standard(moment: int, code: str) -> None:
    assert one_time.code_of(SECRET, moment // 30) == code
    assert one_time.step_of(SECRET, code, now=moment) == moment // 30


def test_a_clock_may_be_off_by_a_step_and_no_more() -> None:
    now = 1_800_000_000
    codes = {off: one_time.code_of(SECRET, now // 30 + off) for off in range(-3, 4)}
    taken = {off for off, code in codes.items() if one_time.step_of(SECRET, code, now=now) is not None}
    assert taken == {-1, 0, 1}


def test_no_code_is_taken_twice_nor_an_earlier_one_after_it() -> None:
    now = 1_800_000_000
    used = one_time.step_of(SECRET, one_time.code_of(SECRET, now // 30), now=now)
    assert used == now // 30
    for off in (-1, 0):
        assert one_time.step_of(SECRET, one_time.code_of(SECRET, used + off), now=now, after=used) is None
    later = one_time.code_of(SECRET, used + 1)
    assert one_time.step_of(SECRET, later, now=now, after=used) == used + 1


@pytest.mark.parametrize("typed", ["", "00000", "1234567", "abcdef", "１２３４５６"])
def test_what_is_no_code_is_wrong(typed: str) -> None:
    assert one_time.step_of(SECRET, typed, now=59) is None


def test_secrets_are_long_and_differ_and_the_address_is_what_apps_read() -> None:
    secrets = {one_time.new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert {len(base64.b32decode(secret)) for secret in secrets} == {20}
    address = one_time.address_of(SECRET, account="a b@c", issuer="R4Web (h:1)")
    assert address == (f"otpauth://totp/R4Web%20%28h%3A1%29:a%20b%40c?secret={SECRET}&issuer=R4Web%20%28h%3A1%29")
