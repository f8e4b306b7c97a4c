import { signal, type Signal } from '@preact/signals';

/** What a person has typed and not saved, by the name of the form. */
const drafts = new Map<string, Signal<unknown>>();

/**
 * What a person has typed into a form; undefined before the first change and after it was saved. It outlives the page: another page, and a
 * session that ended, lose nothing.
 *
 * @param key names the form, who types and what it is about
 */
export const draftOf = <T>(key: string): Signal<T | undefined> => {
  const known = drafts.get(key) ?? signal<unknown>(undefined);
  drafts.set(key, known);
  return known as Signal<T | undefined>;
};
