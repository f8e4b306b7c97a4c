import { type BenchAgent, PRICE } from '../../../dev/bench/signing.ts';
import type { TransferWatcher } from '../../../dev/bench/transfer-watcher.ts';
import { usdc } from '../../../dev/stack/chain-access.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { accountId } from '../../../src/protocol/account-id.ts';
import { isClosed, movedBy, readAccountRecords } from '../support/account-records.ts';
import type { Stage } from '../support/stage.ts';

/** A call that the gateway answered, with times of `performance.now()`. `body` is set for answers other than 200. */
export type Answered = {
  readonly nonce: Hex;
  readonly sentAt: number;
  readonly at: number;
  readonly status: number;
  readonly body: string;
};

export type OutageFigures = {
  readonly answered: number;
  /** Number of calls answered during the outage. */
  readonly duringOutage: number;
  readonly refused: readonly Answered[];
  /** Latency of the calls during the outage, in milliseconds. */
  readonly latency: { readonly p50: number; readonly p99: number };
  /** Accepted payments that had not settled. `atEnd`: as long after the return as the outage lasted, under continued load. */
  readonly backlog: { readonly before: number; readonly atReturn: number; readonly atEnd: number };
  /** Seconds from the return until every payment accepted before it had settled. */
  readonly clearedAfter: number;
  /** One description for each payment that is missing on the chain or in the ledger. */
  readonly losses: readonly string[];
};

const PATIENCE_MS = 60_000;
const LOOK_MS = 1_000;

/** Compares the accepted calls with chain and ledger, once every account has exported the outcome of its payments. */
export const findLosses = async (
  stage: Stage,
  payers: readonly BenchAgent[],
  accepted: readonly Answered[],
  watcher: TransferWatcher,
): Promise<readonly string[]> => {
  const losses = accepted
    .filter(({ nonce }) => watcher.at(nonce) === undefined)
    .map(({ nonce }) => `${nonce} was accepted and has not settled`);
  const deadline = Date.now() + PATIENCE_MS;
  let records = await readAccountRecords(stage.directory);
  const isOpen = (): boolean =>
    payers.some(({ address }) => {
      const record = records.get(accountId(usdc.network, address));
      return record === undefined || !isClosed(record);
    });
  while (isOpen() && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    records = await readAccountRecords(stage.directory);
  }
  if (isOpen()) losses.push('an account has payments that have not ended, or entries to export');
  const nonces = new Set(accepted.map(({ nonce }) => nonce));
  for (const { address } of payers) {
    const calls = records.get(accountId(usdc.network, address))?.calls ?? [];
    const sold = calls.filter(({ price }) => price === PRICE);
    const settled = sold.filter(({ payment }) => payment === 'settled');
    if (settled.length < sold.length)
      losses.push(`${sold.length - settled.length} payments of ${address} are not settled in D1`);
    const total = calls.reduce((sum, { charged }) => sum + charged, 0n);
    const moved = await movedBy(stage, address);
    if (moved !== total) losses.push(`${address} paid ${moved} on the chain and ${total} in D1`);
    for (const { call } of sold) nonces.delete(call);
  }
  for (const nonce of nonces) losses.push(`${nonce} was accepted and is not in D1`);
  return losses;
};
