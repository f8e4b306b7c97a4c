import type { UsageSource } from '../../protocol/meter/meter.ts';

/** A source that reports usage in its answer. */
export type AnswerSource = Extract<UsageSource, { readonly from: 'answer' }>;

/** A place in a JSON document on the way to a value. */
export type Place = {
  readonly children: Map<string, Place>;
  /** The bytes of each child's name. */
  readonly names: { readonly bytes: Uint8Array; readonly place: Place }[];
  /** The index of the report that is here. */
  report?: number;
  /** The report that has a value here, and the pointer of the value within it. */
  value?: { readonly report: number; readonly pointer: string };
};

const newPlace = (): Place => ({ children: new Map(), names: [] });

/** The reference tokens of a JSON pointer (RFC 6901 §4). */
export const tokensOf = (pointer: string): readonly string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));

const placeAt = (root: Place, tokens: readonly string[]): Place =>
  tokens.reduce((place, token) => {
    const known = place.children.get(token);
    if (known !== undefined) return known;
    const made = newPlace();
    place.children.set(token, made);
    place.names.push({ bytes: new TextEncoder().encode(token), place: made });
    return made;
  }, root);

/** Returns the tree of places that lead to the reports at the pointers `at`, and to the units below them. */
export const placesOf = (at: readonly string[], { units }: AnswerSource): Place => {
  const root = newPlace();
  for (const [report, pointer] of at.entries()) {
    const here = placeAt(root, tokensOf(pointer));
    here.report = report;
    for (const { pointers } of Object.values(units)) {
      for (const below of pointers)
        placeAt(here, tokensOf(below)).value = { report, pointer: below };
    }
  }
  return root;
};
