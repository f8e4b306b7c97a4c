import type { Seconds } from '../../../src/core/clock.ts';
import type { Limits, Link } from './limits.ts';

/** What one account lets through: its word, to which each change of it adds a new one. */
export type Word = {
  readonly active: boolean;
  readonly dead: readonly string[];
  readonly policies: Readonly<Record<string, Limits>>;
};

/** How long an account may go by what it was told last. */
const TRUST: Seconds = 60;
const FIRST: Word = { active: true, dead: [], policies: {} };

/** What each account of a tree has said so far, and what those below it were told and have acknowledged. */
export const openWords = () => {
  const said = new Map<string, readonly Word[]>();
  const acknowledged = new Map<string, number>();
  const told = new Map<string, { readonly word: number; readonly askedAt: Seconds }>();

  const of = (account: string): readonly Word[] => said.get(account) ?? [FIRST];
  const current = (account: string): Word => of(account).at(-1) as Word;

  return {
    of,
    current,
    change: (account: string, changes: Partial<Word>): unknown =>
      said.set(account, [...of(account), { ...current(account), ...changes }]),
    /** Which of an account's words is its last one. */
    last: (account: string): number => of(account).length - 1,
    /**
     * An account above has answered: its grant may be used. `askedAt`: for how long from then it has lent something; undefined where it
     * has lent nothing, and trust lasts no longer than before.
     */
    hear(account: string, grant: string, word: number, askedAt: Seconds | undefined): void {
      const key = `${account} ${grant}`;
      const known = told.get(key);
      if (word < Math.max(known?.word ?? 0, acknowledged.get(key) ?? 0)) return;
      const before = known?.askedAt ?? -Infinity;
      const isSame = known?.word === word;
      const since = askedAt === undefined ? before : isSame ? Math.max(before, askedAt) : askedAt;
      told.set(key, { word, askedAt: since });
    },
    acknowledge(account: string, grant: string, word: number): void {
      const key = `${account} ${grant}`;
      acknowledged.set(key, Math.max(acknowledged.get(key) ?? 0, word));
      if ((told.get(key)?.word ?? 0) < word) told.delete(key);
    },
    /** Who has slept asks again. */
    forget(account: string): void {
      for (const key of told.keys()) if (key.startsWith(`${account} `)) told.delete(key);
    },
    /** Which word of the account above is trusted; undefined where it was not asked for a minute. */
    trusted(account: string, { grant }: Link, at: Seconds): number | undefined {
      const last = told.get(`${account} ${grant}`);
      return last === undefined || at >= last.askedAt + TRUST ? undefined : last.word;
    },
  };
};
