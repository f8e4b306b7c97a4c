"""The tokens that calls are paid in. A verifier pins their EIP-712 domains: a file must not choose the domain of the signatures in it."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

# Chain id: contract of USDC, and the name of its domain. The version is "2" everywhere.
USDC: Dict[int, Tuple[str, str]] = {
    1: ("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "USD Coin"),
    50: ("0xfa2958cb79b0491cc627c1557f441ef849ca8eb1", "USDC"),
    51: ("0xb5ab69f7bbada22b28e79c8ffaece55ef1c771d4", "USDC"),
    137: ("0x3c499c542cef5e3811e1192ce70d8cc03d5c3359", "USD Coin"),
    143: ("0x754704bc059f8c67012fed69bc8a327a5aafb603", "USDC"),
    1328: ("0x4fcf1784b31630811181f670aea7a7bef803eaed", "USDC"),
    1329: ("0xe15fc38f6d8c56af07bbcbe3baf5708a2bf42392", "USDC"),
    8453: ("0x833589fcd6edb6e08f4c7c32d4f71b54bda02913", "USD Coin"),
    42161: ("0xaf88d065e77c8cc2239327c5edb3a432268e5831", "USD Coin"),
    42220: ("0xceba9300f2b948710d2653dd7b07f33a8b32118c", "USDC"),
    43113: ("0x5425890298aed601595a70ab815c96711a31bc65", "USD Coin"),
    43114: ("0xb97ef9ef8734c71904d8002f8b6bc66dd9c48a6e", "USD Coin"),
    80002: ("0x41e94eb019c0762f9bfcf9fb1e58725bfb0e7582", "USDC"),
    84532: ("0x036cbd53842c5426634e7929541ec2318f3dcf7e", "USDC"),
    421614: ("0x75faf114eafb1bdbe2f0316df893fd58ce46aa4d", "USD Coin"),
    11142220: ("0x01c5c0122039549ad1493b8220cabedd739bc44e", "USDC"),
}
VERSION = "2"

# A currency as an address: its ISO 4217 numeric code (docs/wire-format.md §20).
FIAT: Dict[str, str] = {"0x0000000000000000000000000000000000000348": "iso4217:USD"}


def token_of(chain_id: int) -> Optional[Tuple[str, str, str]]:
    """Contract, name and version of a chain's token."""
    found = USDC.get(chain_id)
    return None if found is None else (*found, VERSION)


def asset_of(chain_id: int, contract: str) -> str:
    """The asset that a signed type names: a currency, or a token on the chain of the signature (CAIP-19)."""
    return FIAT.get(contract, f"eip155:{chain_id}/erc20:{contract}")
