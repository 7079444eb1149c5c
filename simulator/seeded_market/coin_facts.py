"""Where each coin of market/coins.csv starts: price, supplies, daily volatility.

The figures are our own round approximations of a plausible market, not a record of any day.
`supply` is (circulating, total, max); None where a coin has no such number.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CoinFacts:
    """`price_usd` at the first midnight; `volatility` is the usual daily move, 0.03 = 3 %."""

    price_usd: float
    supply: tuple[float | None, float | None, float | None]
    volatility: float
    beta: float = 0.7
    """Share of the daily move that is the whole market's, 0 to 1."""


M = 1e6
B = 1e9

FACTS: dict[str, CoinFacts] = {
    "bitcoin": CoinFacts(64_000, (19.8 * M, 19.8 * M, 21 * M), 0.022, 0.9),
    "ethereum": CoinFacts(3_100, (120.4 * M, 120.4 * M, None), 0.030, 0.85),
    "tether": CoinFacts(1.0, (112 * B, 115 * B, None), 0.0002, 0.0),
    "binancecoin": CoinFacts(580, (146 * M, 146 * M, 200 * M), 0.025, 0.75),
    "solana": CoinFacts(145, (465 * M, 580 * M, None), 0.042, 0.75),
    "ripple": CoinFacts(0.58, (56 * B, 99.9 * B, 100 * B), 0.035, 0.65),
    "usd-coin": CoinFacts(1.0, (34 * B, 34 * B, None), 0.0002, 0.0),
    "dogecoin": CoinFacts(0.12, (145 * B, 145 * B, None), 0.048, 0.7),
    "cardano": CoinFacts(0.42, (35.7 * B, 37 * B, 45 * B), 0.038, 0.75),
    "tron": CoinFacts(0.135, (87 * B, 87 * B, None), 0.022, 0.5),
    "avalanche-2": CoinFacts(29, (395 * M, 445 * M, 720 * M), 0.042, 0.75),
    "chainlink": CoinFacts(14.2, (608 * M, 1 * B, 1 * B), 0.038, 0.75),
    "shiba-inu": CoinFacts(0.0000182, (589 * 1e12, 589 * 1e12, None), 0.045, 0.7),
    "polkadot": CoinFacts(6.1, (1.43 * B, 1.43 * B, None), 0.037, 0.75),
    "bitcoin-cash": CoinFacts(390, (19.7 * M, 19.7 * M, 21 * M), 0.036, 0.7),
    "litecoin": CoinFacts(74, (75 * M, 84 * M, 84 * M), 0.032, 0.7),
    "near": CoinFacts(5.2, (1.1 * B, 1.2 * B, None), 0.047, 0.7),
    "uniswap": CoinFacts(8.3, (600 * M, 1 * B, 1 * B), 0.044, 0.65),
    "internet-computer": CoinFacts(9.1, (466 * M, 521 * M, None), 0.044, 0.65),
    "aptos": CoinFacts(7.4, (460 * M, 1.1 * B, None), 0.045, 0.65),
    "ethereum-classic": CoinFacts(22, (148 * M, 210.7 * M, 210.7 * M), 0.037, 0.7),
    "stellar": CoinFacts(0.098, (29 * B, 50 * B, 50 * B), 0.035, 0.65),
    "hedera-hashgraph": CoinFacts(0.072, (36 * B, 50 * B, 50 * B), 0.038, 0.65),
    "filecoin": CoinFacts(4.4, (570 * M, 1.96 * B, 1.96 * B), 0.041, 0.7),
    "cosmos": CoinFacts(6.6, (391 * M, 391 * M, None), 0.038, 0.7),
    "arbitrum": CoinFacts(0.74, (3.3 * B, 10 * B, 10 * B), 0.046, 0.7),
    "vechain": CoinFacts(0.027, (81 * B, 85.9 * B, 86.7 * B), 0.038, 0.7),
    "optimism": CoinFacts(1.72, (1.1 * B, 4.3 * B, 4.3 * B), 0.047, 0.7),
    "injective-protocol": CoinFacts(23, (97 * M, 100 * M, None), 0.050, 0.65),
    "the-graph": CoinFacts(0.19, (9.5 * B, 10.8 * B, None), 0.045, 0.7),
    "aave": CoinFacts(96, (14.9 * M, 16 * M, 16 * M), 0.044, 0.65),
    "algorand": CoinFacts(0.15, (8.2 * B, 8.2 * B, 10 * B), 0.037, 0.7),
    "theta-token": CoinFacts(1.42, (1 * B, 1 * B, 1 * B), 0.045, 0.65),
    "sui": CoinFacts(0.88, (2.6 * B, 10 * B, 10 * B), 0.052, 0.65),
    "pepe": CoinFacts(0.0000104, (420.7 * 1e12, 420.7 * 1e12, 420.7 * 1e12), 0.065, 0.6),
    "the-sandbox": CoinFacts(0.33, (2.3 * B, 3 * B, 3 * B), 0.042, 0.7),
    "decentraland": CoinFacts(0.34, (1.9 * B, 2.2 * B, None), 0.041, 0.7),
    "axie-infinity": CoinFacts(6.0, (148 * M, 270 * M, 270 * M), 0.042, 0.7),
    "tezos": CoinFacts(0.79, (990 * M, 1.01 * B, None), 0.036, 0.7),
    "curve-dao-token": CoinFacts(0.31, (1.2 * B, 2.1 * B, 3.03 * B), 0.050, 0.6),
    "chiliz": CoinFacts(0.078, (8.9 * B, 8.9 * B, 8.9 * B), 0.042, 0.6),
    "zcash": CoinFacts(24, (16.3 * M, 16.3 * M, 21 * M), 0.040, 0.55),
    "dash": CoinFacts(27, (11.9 * M, 11.9 * M, 18.9 * M), 0.038, 0.6),
    "neo": CoinFacts(11.5, (70.5 * M, 100 * M, 100 * M), 0.038, 0.65),
    "iota": CoinFacts(0.17, (3.3 * B, 4.6 * B, 4.6 * B), 0.040, 0.65),
    "enjincoin": CoinFacts(0.17, (1.7 * B, 1.75 * B, None), 0.043, 0.65),
    "qtum": CoinFacts(2.6, (105 * M, 105 * M, 107.8 * M), 0.038, 0.65),
    "basic-attention-token": CoinFacts(0.19, (1.49 * B, 1.5 * B, 1.5 * B), 0.040, 0.65),
    "harmony": CoinFacts(0.0135, (14.3 * B, 14.3 * B, None), 0.045, 0.65),
    "ankr": CoinFacts(0.027, (10 * B, 10 * B, 10 * B), 0.043, 0.65),
    "bonk": CoinFacts(0.0000231, (69 * 1e12, 93 * 1e12, None), 0.068, 0.6),
    "worldcoin-wld": CoinFacts(2.3, (270 * M, 10 * B, 10 * B), 0.058, 0.6),
    # Pegged or wrapped: as ordinary small coins they would tell stories of their own.
    **dict.fromkeys(
        (
            *("dai", "first-digital-usd", "true-usd", "paxos-standard", "gemini-dollar"),
            *("binance-usd", "paypal-usd", "usdd", "ethena-usde", "frax", "liquity-usd"),
        ),
        CoinFacts(1.0, (2 * B, 2 * B, None), 0.0002, 0.0),
    ),
    "wrapped-bitcoin": CoinFacts(64_000, (0.15 * M, 0.15 * M, None), 0.022, 0.9),
    "staked-ether": CoinFacts(3_100, (9.5 * M, 9.5 * M, None), 0.030, 0.85),
}

# A coin that joins market/coins.csv without a line here starts as an unremarkable small one.
SMALL_COIN = CoinFacts(1.0, (100 * M, 100 * M, None), 0.05)
