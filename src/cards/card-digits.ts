import { openScrubber } from '../vault/scrubber.ts';

/** A card of a call, in memory while its request runs. */
export type CardNumbers = { readonly number: string; readonly cvc: string };

/** Replaces a card number, as the vault marks secrets. */
export const CARD_MARK = '[secret:card]';

/** Removes card numbers from a text that a merchant wrote. */
export type CardScrubber = (text: string) => string;

/**
 * Returns the scrubber of a known card. It finds the number in every form of the vault (base64, hex, escapes), and its digits in any
 * grouping: with spaces, dashes or any other characters between them. A text that equals the CVC is replaced as well. Three digits in a
 * longer text prove nothing, so only the allow-list of the answer protects the CVC there.
 */
export const scrubberOf = ({ number, cvc }: CardNumbers): CardScrubber => {
  const forms = openScrubber([{ name: 'card', text: number }], () => undefined);
  return (text) => (text.trim() === cvc ? CARD_MARK : withoutDigits(forms.text(text), number));
};

/** Whether the digits of a text contain a card number, ignoring all other characters. */
export const holdsDigits = (text: string, number: string): boolean =>
  text.replace(/\D/g, '').includes(number);

const withoutDigits = (text: string, number: string): string => {
  const places = [...text.matchAll(/\d/g)];
  const at = places
    .map(([digit]) => digit)
    .join('')
    .indexOf(number);
  const first = places[at]?.index;
  const last = places[at + number.length - 1]?.index;
  if (at < 0 || first === undefined || last === undefined) return text;
  const rest = withoutDigits(text.slice(last + 1), number);
  return `${text.slice(0, first)}${CARD_MARK}${rest}`;
};

/** Digits in groups, as people and forms write card numbers: one separator between two digits. */
const RUN = /\d(?:[ ./_\u00a0\u2010-\u2013-]?\d)+/g;
const SHORTEST = 13;
const LONGEST = 19;

/**
 * Replaces each run of 13 to 19 digits that could be a card number: it begins with 2 to 6, as those of the card networks do, and its last
 * digit is the Luhn check digit of the others (ISO/IEC 7812-1 annex B). For a card that the gateway does not know. One in twenty order numbers of
 * that length is replaced too.
 */
export const scrubAnyCard: CardScrubber = (text) =>
  text.replace(RUN, (run) => (isCardNumber(run.replace(/\D/g, '')) ? CARD_MARK : run));

/** Whether digits have the length, the beginning and the check digit of a card number. */
export const isCardNumber = (digits: string): boolean =>
  digits.length >= SHORTEST &&
  digits.length <= LONGEST &&
  /^[2-6]\d+$/.test(digits) &&
  passesLuhn(digits);

const passesLuhn = (digits: string): boolean => {
  const sum = [...digits].reverse().reduce((total, digit, at) => {
    const doubled = Number(digit) * (at % 2 === 0 ? 1 : 2);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
};
