import canonicalize from 'canonicalize';

/** Whether an object does not list a key in the sequence in which it was written: an array index, and `__proto__`, which sets no member. */
const isUnsortable = (key: string): boolean => {
  const first = key.charCodeAt(0);
  // '0' to '9', and '_'.
  return first === 0x5f ? key === '__proto__' : first <= 0x39 && first >= 0x30 && INDEX.test(key);
};

const INDEX = /^(?:0|[1-9][0-9]*)$/;

/**
 * Returns the value if the keys of every object in it are sorted by UTF-16 code units (RFC 8785 §3.2.3), and otherwise a copy with sorted
 * keys: most objects of an entry are written in that order.
 *
 * @returns undefined for values on which `JSON.stringify` and RFC 8785 may differ.
 */
const sorted = (value: unknown): unknown => {
  // JSON.stringify escapes a lone surrogate and writes NaN as null; RFC 8785 §3.2.2 rejects both.
  if (typeof value === 'string') return value.isWellFormed() ? value : undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'object') return undefined;
  return Array.isArray(value) ? sortedItems(value) : sortedMembers(value);
};

const sortedItems = (items: readonly unknown[]): unknown => {
  const copies = Array.from(items, sorted);
  return copies.includes(undefined) ? undefined : copies;
};

const sortedMembers = (members: object): unknown => {
  // Also when it is inherited: a Date has no members and is a string in JSON.
  if ('toJSON' in members) return undefined;
  const keys = Object.keys(members);
  let isSorted = true;
  for (let at = 1; at < keys.length; at += 1) {
    if ((keys[at - 1] as string) < (keys[at] as string)) continue;
    isSorted = false;
    keys.sort();
    break;
  }
  const source = members as Readonly<Record<string, unknown>>;
  let copy: Record<string, unknown> | undefined = isSorted ? undefined : {};
  for (let at = 0; at < keys.length; at += 1) {
    const key = keys[at] as string;
    const member = source[key];
    if (member === undefined) continue;
    const value = sorted(member);
    if (value === undefined || isUnsortable(key) || !key.isWellFormed()) return undefined;
    if (copy === undefined) {
      if (value === member) continue;
      copy = {};
      for (let before = 0; before < at; before += 1) {
        const known = keys[before] as string;
        if (source[known] !== undefined) copy[known] = source[known];
      }
    }
    copy[key] = value;
  }
  return copy ?? members;
};

/**
 * Returns the canonical JSON of a value (RFC 8785). Uses the native `JSON.stringify` where its text is canonical, which takes a third of
 * the CPU of the library.
 *
 * @throws Error for a value without canonical JSON: a lone surrogate, NaN, an infinity, a cycle or undefined.
 */
export const canonicalJson = (value: unknown): string => {
  const copy = sorted(value);
  const text = copy === undefined ? canonicalize(value) : JSON.stringify(copy);
  if (text === undefined) throw new Error('undefined has no canonical JSON');
  return text;
};
