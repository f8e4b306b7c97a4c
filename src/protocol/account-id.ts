import { type Address, type Hex, isAddress } from '../core/hex.ts';
import { type FiatAsset, fiatOf } from './fiat-asset.ts';

/** CAIP-2 network, `eip155:<chain>`. */
export type Network = `eip155:${number}`;
/** CAIP-10 account in canonical form: `eip155:<chain>:<0x lowercase>`. */
export type AccountId = `eip155:${number}:${Hex}`;
/** CAIP-19 id of a token: `eip155:<chain>/erc20:<0x lowercase>`. */
export type TokenId = `eip155:${number}/erc20:${Hex}`;
/** The unit of amounts: a token, or a currency of a state. Amounts in two assets are never added. */
export type AssetId = TokenId | FiatAsset;

const NETWORK = /^eip155:([1-9][0-9]{0,15})$/;

/** The chain id of a network, or undefined when it is not `eip155:<positive safe integer>`. */
export const chainIdOf = (network: string): number | undefined => {
  const digits = NETWORK.exec(network)?.[1];
  if (digits === undefined) return undefined;
  const chainId = Number(digits);
  return Number.isSafeInteger(chainId) ? chainId : undefined;
};

/** The CAIP-2 network of a chain id. */
export const network = (chainId: number): Network => `eip155:${chainId}`;

/** The canonical CAIP-10 id of an account; also the name of its Durable Object. */
export const accountId = (on: Network, address: Address): AccountId => `${on}:${address}`;

/** The CAIP-19 id of a token. */
export const assetId = (on: Network, token: Address): TokenId => `${on}/erc20:${token}`;

/** The asset that a signed type names: a currency if the address is reserved for one, else a token on the network of the signature. */
export const signedAsset = (on: Network, asset: Address): AssetId =>
  fiatOf(asset) ?? assetId(on, asset);

/** Splits a canonical CAIP-10 id; undefined for any other text. */
export const parseAccountId = (
  value: string,
): { network: Network; address: Address } | undefined => {
  const at = value.lastIndexOf(':');
  const on = value.slice(0, at);
  const address = value.slice(at + 1);
  if (chainIdOf(on) === undefined || !isAddress(address)) return undefined;
  return { network: on as Network, address };
};
