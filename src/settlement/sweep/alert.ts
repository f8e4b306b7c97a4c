import type { AlertBody } from '../../protocol/account/alert.ts';
import type { Network } from '../../protocol/account-id.ts';
import type { Seconds } from '../../core/clock.ts';
import type { Difference } from './difference.ts';
import { loadUntold, markTold, type Untold } from './store.ts';

/** Alerts of one run that are about one payment each; after a deep reorganisation there may be thousands, which one more alert counts. */
const ONE_BY_ONE = 10;

/**
 * Raises an alert for each difference that somebody should look at, once. Marked when it is raised: a run that is cut off in between
 * raises it again. @returns how many are told now
 */
export const tellDifferences = async (
  db: D1Database,
  network: Network,
  raise: (alert: AlertBody) => Promise<boolean>,
  now: Seconds,
): Promise<number> => {
  const untold = await loadUntold(db, network);
  const told: Pick<Difference, 'subject' | 'kind'>[] = [];
  for (const each of untold.slice(0, ONE_BY_ONE)) if (await raise(alertOf(each))) told.push(each);
  const rest = untold.slice(ONE_BY_ONE);
  if (rest.length > 0 && (await raise(summaryOf(network, rest, now)))) told.push(...rest);
  if (told.length > 0) await markTold(db, network, told, now).run();
  return told.length;
};

const alertOf = (each: Untold): AlertBody => ({
  rule: 'reconciliation',
  detail: {
    ...{ network: each.network, kind: each.kind, account: each.account },
    ...{ block: each.block, ledger: each.ledger, chain: each.chain ?? '0' },
    ...(each.call === null ? {} : { call: each.call }),
    ...(each.transaction === null ? {} : { transaction: each.transaction }),
  },
});

const summaryOf = (network: Network, rest: readonly Untold[], at: Seconds): AlertBody => ({
  rule: 'reconciliation',
  // Which says when, or two of one count would be taken for one.
  detail: { network, kind: 'more', differences: rest.length, at },
});
