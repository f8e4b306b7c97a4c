import { signal, type Signal } from '@preact/signals';
import { accountMemory } from '../reading/session-memory.ts';

/** Texts that a person has typed and not saved, by the name of the form. A draft contains only the changed parts of its document. */
const keptDrafts = accountMemory(() => new Map<string, Signal<unknown>>());

/**
 * The draft of a form; undefined before the first change and after saving. It survives opening another page and the end of the session.
 *
 * @param key names the form, the person who types, and the subject
 */
export const draftOf = <T>(key: string): Signal<T | undefined> => {
  const drafts = keptDrafts();
  const known = drafts.get(key) ?? signal<unknown>(undefined);
  drafts.set(key, known);
  return known as Signal<T | undefined>;
};
