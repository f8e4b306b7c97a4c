import type { Address } from '../core/hex.ts';

/** Money of a state, by its ISO 4217 code. Amounts are millionths of its unit, like those of the six-decimal tokens. */
export type FiatAsset = `iso4217:${string}`;

/** The dollar: the only currency that tools may be priced in. */
export const USD = 'iso4217:USD';

/**
 * The address that stands for the dollar in signed types that have a token address: its ISO 4217 numeric code, `address(840)`
 * (docs/wire-format.md §3; the convention of Chainlink's `Denominations.sol`). No token can have it: nobody can deploy a contract there.
 */
export const USD_ADDRESS: Address = '0x0000000000000000000000000000000000000348';

/** The currency that an address in an `AgentIntent` or `AgentDelegation` stands for; undefined for the address of a token. */
export const fiatOf = (address: string): FiatAsset | undefined =>
  address === USD_ADDRESS ? USD : undefined;

/** Whether an asset is a currency of a state and not a token. */
export const isFiat = (asset: string): asset is FiatAsset => asset === USD;
