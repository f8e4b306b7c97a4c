import type { Network } from '../../protocol/account-id.ts';
import type { Seconds } from '../../core/clock.ts';
import { rpcBatch } from '../chain/json-rpc.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { type Chain } from '../chain/observation.ts';
import { observePayments } from '../chain/observe-payments.ts';
import { compare, explain, lookOf, plus, type Sum } from './compare.ts';
import { type Difference, nameOf } from './difference.ts';
import { findPayments, ledgerKey, settledIn } from './ledger.ts';
import type { Seen } from './store.ts';
import { type Blocks, chunks, readWindow, type Receiver, type WindowFault } from './window.ts';

/** A chain that money comes to, and how its ledger is compared with it. */
export type Site = Chain &
  Receiver & {
    readonly network: Network;
    /** Blocks below the head. */
    readonly depth: number;
    readonly days: number;
  };

/** Both sides of some blocks, with every payment accounted for. */
export type Examined = Seen & { readonly chain: Sum; readonly ledger: Sum; readonly found: number };

/** Payments that the chain is asked for one by one, in one window; the daily comparison asks for the rest. */
const MOST_LOOKS = 500;
/** Payments of one question. */
const LOOKS = 50;
/** Anybody can send us dust: of news for information a window keeps so many, and counts the rest. */
const MOST_NEWS = 100;

/** Compares ledger and chain over some blocks. Writes nothing. @throws where the database does not answer */
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
  const undecided = compared.unmatched.slice(MOST_LOOKS).map(({ call }) => call as string);
  let { chain } = compared;
  for (const some of chunks(compared.unmatched.slice(0, MOST_LOOKS), LOOKS)) {
    const observations = await observePayments(
      site,
      some.map((each) => lookOf(each, site.token, site.payTo)),
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
    // One that nobody can tell of is left to the next day; a node that has gone away meanwhile tells of none.
    if (!(await answersAtAll(site))) return err('unreachable');
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

const answersAtAll = async ({ urls }: Site): Promise<boolean> => {
  const answers = await rpcBatch(urls, [{ method: 'eth_blockNumber', params: [] }]);
  return answers.ok && answers.value[0]?.ok === true;
};

const withoutExcess = (differences: readonly Difference[]): readonly Difference[] => {
  const news = new Set(differences.filter(({ informational }) => informational).slice(MOST_NEWS));
  return differences.filter((each) => !news.has(each));
};

/** How old a block is that is compared: by then what happened in it has come through both queues, or hangs. */
export const GRACE: Seconds = 900;
