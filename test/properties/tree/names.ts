import { type AccountId, accountId, assetId } from '../../../src/protocol/account-id.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Policy } from '../../../src/policy/policy.ts';

/** Short names, because hashing takes most of the time. Only addresses need their real form. */
export const hex = (n: number): Hex => `0x${n.toString(16)}`;

const address = (n: number): Hex => `0x${n.toString(16).padStart(40, '0')}`;

const NETWORK = 'eip155:84532';
export const CHAIN = 84_532;
export const TOKEN = address(0xcc);
export const ASSET = assetId(NETWORK, TOKEN);
export const PAYEE = address(0xbb);
export const AUDIENCE = 'https://gateway.example';
export const NO_GRANT = hex(0);

export const addressAt = (index: number): Hex => address(0xa0 + index);
export const accountAt = (index: number): AccountId => accountId(NETWORK, addressAt(index));

/** A default policy without any limit: all windows are off. */
export const BARE: Policy = { windows: [], deny: [], require: [] };
export const BARE_HASH = hex(9);
