const AMOUNT = /^(?<whole>[0-9]{1,12})(?:\.(?<fraction>[0-9]{1,6}))?$/;

/** The atomic units of a decimal number that a person wrote, e.g. `0.02`; undefined for any other text, and for more than six decimals. */
export const atomicIn = (text: string): bigint | undefined => {
  const { whole, fraction = '' } = AMOUNT.exec(text.trim())?.groups ?? {};
  return whole === undefined ? undefined : BigInt(whole + fraction.padEnd(6, '0'));
};
