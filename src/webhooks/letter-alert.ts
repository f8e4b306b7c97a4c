import type { AlertBody } from '../protocol/account/alert.ts';
import { type AccountId, parseAccountId } from '../protocol/account-id.ts';
import type { DeadLetter } from '../settlement/dead-letter.ts';

/** Where an alert is raised, and what it says. */
export type LetterAlert = { readonly account: AccountId; readonly alert: AlertBody };

/**
 * What a dead letter makes known. Of the audit queue the gateway's own account says it: the chain of the account itself is what
 * is stuck, and would carry no alert out. The webhook queue has none: it would be its own news.
 */
export const letterAlert = (letter: DeadLetter, self: AccountId): LetterAlert | undefined => {
  const { id, queue, account, call, reason } = letter;
  if (queue.startsWith('countersign-webhooks')) return undefined;
  const known = parseAccountId(account) === undefined ? self : (account as AccountId);
  return {
    account: queue.startsWith('countersign-audit') ? self : known,
    alert: {
      rule: 'dead_letter',
      detail: {
        queue,
        letter: id,
        reason: reason.slice(0, 256),
        ...(account === '' ? {} : { account }),
        ...(call === '' ? {} : { call }),
      },
    },
  };
};

/** The letters that nobody has yet, or that came back after being sent again. @throws where the database does not answer. */
export const newLetters = async (
  db: D1Database,
  letters: readonly DeadLetter[],
): Promise<readonly DeadLetter[]> => {
  const { results } = await db
    .prepare(
      'SELECT id FROM dead_letters WHERE id IN (SELECT value FROM json_each(?1)) AND redriven_at IS NULL',
    )
    .bind(JSON.stringify(letters.map(({ id }) => id)))
    .all<{ id: string }>();
  const known = new Set(results.map(({ id }) => id));
  return letters.filter(({ id }) => !known.has(id));
};
