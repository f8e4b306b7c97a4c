/** The longest signature text that is looked at, `0x` included. Alone here, so that who reads texts needs no curve. */
export const MAX_SIGNATURE_TEXT = 8192;
