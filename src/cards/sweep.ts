import type { Seconds } from '../core/clock.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import type { VaultDeps } from '../vault/vault.ts';
import { CENT } from './card-call.ts';
import { type CardRow, type CardTable, openCardTable } from './card-table.ts';
import { type CardEnd, endCard } from './end-card.ts';
import { openIssuerOf } from './open-card.ts';
import type { Issuer } from './stripe-card.ts';

export type SweepDeps = VaultDeps & {
  readonly account: (id: AccountId) => Pick<AgentAccountRpc, 'apply'>;
};

/**
 * Ends the cards of calls that have ended: cards that a crash left behind, and cards that no merchant charged in time. Then reports the
 * charge to each account, which concludes a call whose amount it still keeps. Every step may be repeated, so a crash here loses nothing.
 *
 * @throws if the database does not answer
 */
export const sweepCards = async (deps: SweepDeps, now: Seconds): Promise<void> => {
  const table = openCardTable(deps.db);
  for (const row of await table.due(now)) {
    const end = await endOf(deps, table, row);
    if (end.end !== 'unknown' && (await tellAccount(deps, row, end))) {
      await table.conclude(row.call, now);
    }
  }
  await table.prune(now);
};

const UNKNOWN: CardEnd = { end: 'unknown' };

const endOf = async (deps: SweepDeps, table: CardTable, row: CardRow): Promise<CardEnd> => {
  const cents = await table.seal(row.call);
  if (cents !== undefined) return { end: 'charged', cents };
  if (row.state === 'closed') return { end: 'closed' };
  const issuer = await openIssuerOf(deps, row);
  if (!issuer.ok) return UNKNOWN;
  const card = row.card ?? (await findCard(issuer.value, table, row));
  if (card === 'none') return { end: 'closed' };
  return card === undefined
    ? UNKNOWN
    : await endCard(table, issuer.value, { call: row.call, card });
};

/** The answer to the request for this card was lost: the same request under the same idempotency key returns the card. */
const findCard = async (
  issuer: Issuer,
  table: CardTable,
  { call, request }: CardRow,
): Promise<string | undefined> => {
  const made = await issuer.make(call, request);
  if (made.ok) return made.value.id;
  if (made.error === 'unknown' || !(await table.close(call, null))) return undefined;
  await table.closed(call);
  return 'none';
};

/** @returns false if the call still runs, or its account did not answer */
const tellAccount = async (
  { account: accountOf, raise }: SweepDeps,
  { account, call, tool, authorization }: CardRow,
  end: Exclude<CardEnd, { readonly end: 'unknown' }>,
): Promise<boolean> => {
  const charged = end.end === 'charged' ? BigInt(end.cents) * CENT : 0n;
  const told = await accountOf(account)
    .apply({ kind: 'concludeCard', call, charged, authorization: authorization ?? '' })
    .catch(() => undefined);
  if (told?.verdict === 'applied') return true;
  if (told?.verdict !== 'refused') return false;
  // The account has released the amount, or charged less: the operator pays the difference.
  return await raise({
    rule: 'card_charged',
    detail: { kind: 'after_release', account, call, tool, amount: charged.toString() },
  });
};
