import type { Seconds } from '../../core/clock.ts';
import type { AlertBody } from '../../protocol/alert.ts';
import type { Network } from '../../protocol/account-id.ts';
import type { Difference } from './difference.ts';

/** Alerts of one run about a single payment. A deep reorganisation may cause thousands of differences; one more alert counts the rest. */
const ONE_BY_ONE = 10;

/**
 * Raises an alert for each difference that needs action, once. A difference is marked after its alert was raised, so a run that stops in
 * between raises it again.
 *
 * @returns the number of differences that were alerted.
 */
export const alertDifferences = async (
  db: D1Database,
  network: Network,
  raise: (alert: AlertBody) => Promise<boolean>,
  now: Seconds,
): Promise<number> => {
  const unalerted = await loadUnalerted(db, network);
  const alerted: Pick<Difference, 'subject' | 'kind'>[] = [];
  for (const each of unalerted.slice(0, ONE_BY_ONE))
    if (await raise(alertOf(each))) alerted.push(each);
  const rest = unalerted.slice(ONE_BY_ONE);
  if (rest.length > 0 && (await raise(summaryOf(network, rest, now)))) alerted.push(...rest);
  if (alerted.length > 0) await markAlerted(db, network, alerted, now).run();
  return alerted.length;
};

const alertOf = (each: Unalerted): AlertBody => ({
  rule: 'reconciliation',
  detail: {
    ...{ network: each.network, kind: each.kind, account: each.account },
    ...{ block: each.block, ledger: each.ledger, chain: each.chain ?? '0' },
    ...(each.call === null ? {} : { call: each.call }),
    ...(each.transaction === null ? {} : { transaction: each.transaction }),
  },
});

const summaryOf = (network: Network, rest: readonly Unalerted[], at: Seconds): AlertBody => ({
  rule: 'reconciliation',
  // `at` distinguishes two alerts with the same count.
  detail: { network, kind: 'more', differences: rest.length, at },
});

/** A difference without an alert. */
type Unalerted = Pick<
  Difference,
  'network' | 'subject' | 'kind' | 'account' | 'block' | 'ledger'
> & {
  readonly call: string | null;
  readonly transaction: string | null;
  readonly chain: string | null;
};

const loadUnalerted = async (db: D1Database, network: Network): Promise<readonly Unalerted[]> => {
  const { results } = await db
    .prepare(
      `SELECT network, subject, kind, account, call, transaction_hash AS "transaction", block, chain_amount AS chain, ledger
       FROM differences INDEXED BY differences_grave
       WHERE network = ?1 AND resolved_at IS NULL AND informational = 0 AND told_at IS NULL ORDER BY block LIMIT 1000`,
    )
    .bind(network)
    .all<Unalerted>();
  return results;
};

const markAlerted = (
  db: D1Database,
  network: Network,
  alerted: readonly Pick<Difference, 'subject' | 'kind'>[],
  now: Seconds,
): D1PreparedStatement =>
  db
    .prepare(
      `UPDATE differences SET told_at = ?3
       WHERE network = ?1 AND (subject, kind) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))`,
    )
    .bind(network, JSON.stringify(alerted.map(({ subject, kind }) => [subject, kind])), now);
