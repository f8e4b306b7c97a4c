/** Texts without a match hold only numbers of at most 15 digits and no exponent, which every double holds exactly. */
const SUSPECT = /[0-9][0-9.]{15}|[0-9][eE]/;

/** `JSON.parse` gives a reviver the source text of a number (ECMAScript 2026); TypeScript does not declare it yet. */
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;

/**
 * Returns the first number of a JSON text that changes when it is read as a double, e.g. `9007199254740993` or `1e400`. Attack: the
 * payer signs and reads one number, and the tool gets another (RFC 7493 §2.2, RFC 8785 §3.2.2.3).
 *
 * @param text valid JSON.
 */
export const inexactNumber = (text: string): string | undefined => {
  if (!SUSPECT.test(text)) return undefined;
  let found: string | undefined;
  parse(text, (_key, value, { source }) => {
    if (typeof value === 'number' && source !== undefined && !isExact(source, value)) {
      found ??= source.slice(0, MAX_SHOWN);
    }
    return value;
  });
  return found;
};

const MAX_SHOWN = 64;

/** True if the shortest decimal of the double is the number that the text writes. */
const isExact = (source: string, value: number): boolean =>
  Number.isFinite(value) && decimalOf(source) === decimalOf(value.toString());

/** Returns digits without zeros at either end, and their exponent: one text for each decimal value. */
const decimalOf = (text: string): string => {
  const [, integer = '', fraction = '', exponent = '0'] =
    /^-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(text) ?? [];
  const digits = (integer + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  // A client can write an exponent of a million digits: as a double it is infinite, and no two such numbers must seem equal.
  const power = Number(exponent) - fraction.length + (digits.length - significant.length);
  return `${significant}e${power}`;
};
