/** A card of the fake issuer. Its numbers are made up: no network knows them. */
export type FakeCard = {
  readonly id: string;
  readonly number: string;
  readonly cvc: string;
  readonly expMonth: number;
  readonly expYear: number;
  readonly currency: string;
  /** Spending limit over all time, in cents. */
  readonly limit: number;
  readonly payments: number;
  readonly cardholder: string;
  status: 'active' | 'canceled';
};

const DIGITS = '0123456789';

const digits = (count: number): string =>
  [...crypto.getRandomValues(new Uint8Array(count))].map((byte) => DIGITS[byte % 10]).join('');

/** The check digit of ISO/IEC 7812-1 annex B, implemented independently of the gateway. */
const luhnDigit = (payload: string): string => {
  let sum = 0;
  for (let at = payload.length - 1, isDoubled = true; at >= 0; at -= 1, isDoubled = !isDoubled) {
    const digit = Number(payload[at]) * (isDoubled ? 2 : 1);
    sum += Math.floor(digit / 10) + (digit % 10);
  }
  return String((10 - (sum % 10)) % 10);
};

/** Whether digits end with their check digit. */
export const passesLuhn = (number: string): boolean =>
  /^\d{13,19}$/.test(number) && luhnDigit(number.slice(0, -1)) === number.slice(-1);

/** Makes the numbers of a card in Stripe's test range. */
export const newNumbers = (): Pick<FakeCard, 'number' | 'cvc' | 'expMonth' | 'expYear'> => {
  const payload = `400000999${digits(6)}`;
  return {
    number: payload + luhnDigit(payload),
    cvc: digits(3),
    expMonth: 4,
    expYear: new Date().getUTCFullYear() + 3,
  };
};
