/** Hex digits and bytes by the native code of the runtime. */

export const bytesToHex = (bytes: Uint8Array): string => bytes.toHex();

/** @throws SyntaxError for text that is not hex of whole bytes */
export const hexToBytes = (digits: string): Uint8Array => Uint8Array.fromHex(digits);
