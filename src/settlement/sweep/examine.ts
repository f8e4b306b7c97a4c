import type { Seconds } from '../../core/clock.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Network } from '../../protocol/account-id.ts';
import { rpcBatch } from '../chain/json-rpc.ts';
import type { Chain, Observation } from '../chain/observation.ts';
import type { ExpectedTransfer } from '../chain/expected-transfer.ts';
import { observePayments, observePermits } from '../chain/observe-payments.ts';
import { type Blocks, chunks } from './blocks.ts';
import { compare, explain, plus, type Sum, transferOf } from './compare.ts';
import { type Difference, nameOf } from './difference.ts';
import type { Findings } from './difference-table.ts';
import { findPayments, ledgerKey, settledIn } from './ledger.ts';
import { readWindow, type Receiver, type WindowFault } from './window.ts';

/** A network whose payments are reconciled. */
export type Site = Chain &
  Receiver & {
    readonly network: Network;
    /** Blocks below the head that are not compared yet. */
    readonly depth: number;
    /** Days that are compared again, once a day. */
    readonly days: number;
  };

/** Both sides of some blocks, with every payment explained. */
export type Examined = Findings & {
  readonly chain: Sum;
  readonly ledger: Sum;
  /** Differences found, including those that are not stored. */
  readonly found: number;
};

/** How old a compared block is. At this age, the messages about its payments have passed both queues, or are stuck. */
export const GRACE: Seconds = 900;
/** Payments of one window that the chain is searched for one by one; the daily comparison searches for the rest. */
const MAX_SEARCHES = 500;
/** Payments of one query. */
const SEARCHES = 50;
/** Informational differences of one window that are stored: anyone can send us dust. The rest is counted. */
const MAX_INFORMATIONAL = 100;

/** Compares ledger and chain over some blocks. Writes nothing. @throws if the database does not answer. */
export const examine = async (
  db: D1Database,
  site: Site,
  blocks: Blocks,
): Promise<Result<Examined, WindowFault>> => {
  const { network } = site;
  const window = await readWindow(site, blocks);
  if (!window.ok) return window;
  const { payments } = window.value;
  const settled = await settledIn(db, network, blocks, window.value);
  if (settled === undefined) return err('refused');
  const known = await findPayments(
    db,
    payments.map((payment) => ledgerKey(network, payment)),
  );
  const compared = compare(network, blocks, window.value, [...settled, ...known]);

  const differences = new Map(compared.differences.map((each) => [nameOf(each), each]));
  const undecided = compared.unmatched.slice(MAX_SEARCHES).map(({ call }) => call as string);
  let { chain } = compared;
  for (const some of chunks(compared.unmatched.slice(0, MAX_SEARCHES), SEARCHES)) {
    const observations = await observeSettled(
      site,
      some.map((each) => transferOf(each, site.token, site.payees)),
    );
    for (const [at, each] of some.entries()) {
      const observation = observations[at] ?? { kind: 'unknown', why: 'no observation' };
      const meant = explain(network, each, observation);
      if (meant === 'undecided') undecided.push(each.call);
      else if (meant === 'elsewhere')
        chain = plus(chain, { payments: 1, amount: each.amount ?? 0n });
      else differences.set(nameOf(meant), meant);
    }
  }
  if (undecided.length > 0) {
    // The next day's comparison continues with undecided payments. If the node stopped answering meanwhile, all of them stay undecided.
    if (!(await isReachable(site))) return err('unreachable');
    console.warn({ event: 'payments_undecided', network, payments: undecided.length });
  }
  return ok({
    differences: withoutExcess([...differences.values()]),
    undecided,
    chain,
    ledger: compared.ledger,
    found: differences.size,
  });
};

/**
 * Observes payments that the ledger has settled. Its rows do not show which of them are permits: a nonce that no EIP-3009 transfer has used
 * may be that of a permit.
 */
const observeSettled = async (
  site: Site,
  transfers: readonly ExpectedTransfer[],
): Promise<readonly Observation[]> => {
  const observed = await observePayments(site, transfers);
  const isUnused = (at: number): boolean => observed[at]?.kind === 'unused';
  const permits = await observePermits(
    site,
    transfers.filter((_, at) => isUnused(at)),
  );
  const rest = permits.values();
  return observed.map((each, at) => (isUnused(at) ? (rest.next().value ?? each) : each));
};

const isReachable = async ({ urls }: Site): Promise<boolean> => {
  const answers = await rpcBatch(urls, [{ method: 'eth_blockNumber', params: [] }]);
  return answers.ok && answers.value[0]?.ok === true;
};

const withoutExcess = (differences: readonly Difference[]): readonly Difference[] => {
  const excess = new Set(
    differences.filter(({ informational }) => informational).slice(MAX_INFORMATIONAL),
  );
  return differences.filter((each) => !excess.has(each));
};
