import { bytesToHex } from '#hex-digits';

/** 0x-prefixed lowercase hex. */
export type Hex = `0x${string}`;
/** 20 bytes as lowercase hex. */
export type Address = Hex;

const ADDRESS = /^0x[0-9a-f]{40}$/;

export const ZERO_ADDRESS: Address = '0x0000000000000000000000000000000000000000';
/** 32 zero bytes. */
export const ZERO_HASH: Hex = `0x${'0'.repeat(64)}`;

/** Whether a string is a lowercase 20-byte address. */
export const isAddress = (value: string): value is Address => ADDRESS.test(value);

const randomHex = (length: number): Hex =>
  `0x${bytesToHex(crypto.getRandomValues(new Uint8Array(length)))}`;

/** 16 random bytes, e.g. the id of an attempt or the salt of an entry. */
export const random16 = (): Hex => randomHex(16);

/** 32 random bytes, e.g. the id of a grant or the nonce of a plain payment. */
export const random32 = (): Hex => randomHex(32);
