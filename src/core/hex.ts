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
