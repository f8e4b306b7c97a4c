import { signal, type Signal } from '@preact/signals';
import { accountMemory } from '../reading/session-memory.ts';

/** Texts that a person has typed and not saved, by the name of the form. A draft has parts of the document that it changes. */
const keptDrafts = accountMemory(() => new Map<string, Signal<unknown>>());

/**
 * The draft of a form, as a person has typed it; undefined before the first change and after it was saved. It outlives the page: another page, and a
 * session that ended, lose nothing.
 *
 * @param key names the form, who types and what it is about
 */
export const draftOf = <T>(key: string): Signal<T | undefined> => {
  const drafts = keptDrafts();
  const known = drafts.get(key) ?? signal<unknown>(undefined);
  drafts.set(key, known);
  return known as Signal<T | undefined>;
};
