import { ok } from '../core/result.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { CommandSigner } from '../protocol/account/command.ts';
import { attempt, type Queried } from './page.ts';
import type { SpendRange } from './spend-range.ts';

/** The ancestor that reads the tree of an account; the account itself if it or an operator does. */
export const treeReader = ({ role, account }: CommandSigner, tree: AccountId): AccountId =>
  role === 'operator' ? tree : account;

/** The account whose spend a report covers, and the ancestor that reads it. */
export type SpendScope = Pick<SpendRange, 'scope' | 'reader'>;

export const spendScope = (by: CommandSigner, scope: AccountId): SpendScope => {
  const reader = treeReader(by, scope);
  return reader === scope ? { scope } : { scope, reader };
};

/**
 * Whether an account is the scope, or was ever a descendant of both the scope and the reading ancestor.
 *
 * Attack: an answer about any other account would reveal whether it exists (CWE-203).
 */
export const isEverIn = (
  db: D1Database,
  { scope, reader }: SpendScope,
  account: AccountId,
): Queried<boolean> =>
  attempt(async () => {
    if (scope === '*' || account === scope) return ok(true);
    const found = await db
      .prepare(
        `SELECT EXISTS (SELECT 1 FROM kin WHERE ancestor = ?1 AND account = ?3)
         AND EXISTS (SELECT 1 FROM kin WHERE ancestor = ?2 AND account = ?3) AS found`,
      )
      .bind(scope, reader ?? scope, account)
      .first<number>('found');
    return ok(found === 1);
  });
