"""The contract's digests are eth-account's: 1,000 random quotes."""

from __future__ import annotations

import random

from everstock import signing
from everstock.rfq import Quote, QuoteSide


def random_quote(rng: random.Random) -> Quote:
    def address() -> str:
        return "0x" + rng.randbytes(20).hex()

    def number(bits: int) -> int:
        return rng.choice((0, 1, 2**bits - 1, rng.getrandbits(rng.randint(1, bits))))

    return Quote(
        signer=address(),
        taker=address(),
        receiver=address(),
        asset=address(),
        pay_token=address(),
        side=QuoteSide(rng.randint(0, 1)),
        issuance=rng.random() < 0.5,
        quantity=number(128),
        payment=number(128),
        multiplier=number(128),
        not_before=number(40),
        deadline=number(40),
        nonce=number(256),
    )


def test_a_thousand_random_quotes(room):
    """R2"""
    rng = random.Random(7)
    seen = set()
    for _ in range(1_000):
        quote = random_quote(rng)
        ours = room.quotes.hashQuote(quote.struct)
        assert ours == signing.digest(quote.document(room.quotes)), quote
        assert Quote.of(quote.message).struct == quote.struct
        seen.add(ours)
    assert len(seen) == 1_000
