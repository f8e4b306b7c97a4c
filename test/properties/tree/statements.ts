import type { Seconds } from '../../../src/core/clock.ts';
import type { Limits, Link } from './limits.ts';

/** What an account allows. Each change adds another statement. */
export type Statement = {
  readonly active: boolean;
  readonly dead: readonly string[];
  readonly policies: Readonly<Record<string, Limits>>;
};

/** Seconds for which an account may act on the last statement that it received. */
const TRUST: Seconds = 60;
const FIRST: Statement = { active: true, dead: [], policies: {} };

/** All statements of each account, and which of them its descendants have received and acknowledged. */
export const openStatements = () => {
  const all = new Map<string, readonly Statement[]>();
  const acknowledged = new Map<string, number>();
  const received = new Map<string, { readonly statement: number; readonly requestedAt: Seconds }>();

  const of = (account: string): readonly Statement[] => all.get(account) ?? [FIRST];
  const current = (account: string): Statement => of(account).at(-1) as Statement;

  return {
    of,
    current,
    change: (account: string, changes: Partial<Statement>): unknown =>
      all.set(account, [...of(account), { ...current(account), ...changes }]),
    /** Index of an account's last statement. */
    last: (account: string): number => of(account).length - 1,
    /**
     * Records an ancestor's answer that its grant may be used. `requestedAt`: the time of the request from which the account may act on
     * this statement for a minute. Undefined where the answer lent nothing, so that the earlier time stays.
     */
    receive(
      account: string,
      grant: string,
      statement: number,
      requestedAt: Seconds | undefined,
    ): void {
      const key = `${account} ${grant}`;
      const known = received.get(key);
      if (statement < Math.max(known?.statement ?? 0, acknowledged.get(key) ?? 0)) return;
      const before = known?.requestedAt ?? -Infinity;
      const isSame = known?.statement === statement;
      const since =
        requestedAt === undefined ? before : isSame ? Math.max(before, requestedAt) : requestedAt;
      received.set(key, { statement, requestedAt: since });
    },
    acknowledge(account: string, grant: string, statement: number): void {
      const key = `${account} ${grant}`;
      acknowledged.set(key, Math.max(acknowledged.get(key) ?? 0, statement));
      if ((received.get(key)?.statement ?? 0) < statement) received.delete(key);
    },
    /** A restarted account requests every lease again. */
    forget(account: string): void {
      for (const key of received.keys()) if (key.startsWith(`${account} `)) received.delete(key);
    },
    /** Returns the ancestor's statement on which an account may act. Undefined if the account received none for a minute. */
    trusted(account: string, { grant }: Link, at: Seconds): number | undefined {
      const last = received.get(`${account} ${grant}`);
      return last === undefined || at >= last.requestedAt + TRUST ? undefined : last.statement;
    },
  };
};
