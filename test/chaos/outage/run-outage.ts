import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequest } from '../../../dev/bench/connection.ts';
import { POLICY } from '../../../dev/bench/gateway-subject.ts';
import { startLoad } from '../../../dev/bench/paced-load.ts';
import { buyFirst, countersign, SELLER, type Seller } from '../../../dev/bench/sellers.ts';
import { agents, nonceOf } from '../../../dev/bench/signing.ts';
import { quantile } from '../../../dev/bench/statistics.ts';
import { TARGET } from '../../../dev/bench/subject.ts';
import { type TransferWatcher, watchTransfers } from '../../../dev/bench/transfer-watcher.ts';
import { relayerVariables } from '../../../dev/stack/gateway-variables.ts';
import { people } from '../../../dev/stack/people.ts';
import { writeToolsForLoad } from '../../support/patient-tools.ts';
import { type Stage, startStage } from '../support/stage.ts';
import { type Answered, findLosses, type OutageFigures } from './outage-figures.ts';

export type OutageOptions = {
  /** Seconds without chain and backends. The load continues for the same time after their return. */
  readonly seconds: number;
  /** Calls a second. */
  readonly rate: number;
  readonly payers: number;
  readonly print: (line: string) => void;
};

const BLOCK_SECONDS = 2;
const CONNECTIONS = 64;
/** Seconds of load before the outage. */
const BEFORE = 6;
/** USDC of each payer: $1,000. Its first payment is large enough for 15,000 unsettled calls (law 7). */
const FUNDS = 1_000_000_000n;
/** How long the last payments may take to settle. */
const PATIENCE_MS = 120_000;

const sleep = (seconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

/**
 * Sells at an even rate to payers that the gateway trusts, while the facilitators and the chain nodes, including the relayer's, are down,
 * and after their return.
 */
export const runOutage = async (options: OutageOptions): Promise<OutageFigures> => {
  let isCut = false;
  const directory = await mkdtemp(join(tmpdir(), 'countersign-outage-'));
  const stage = await startStage(
    async ({ party }, forward) => (isCut && party !== 'upstream' ? 'drop' : await forward()),
    { ...relayerVariables(people.relayer), DEFAULT_POLICY: JSON.stringify(POLICY) },
    { blockTime: BLOCK_SECONDS, toolsFile: await writeToolsForLoad(directory) },
  );
  try {
    const seller = await introduce(stage, options.payers);
    const watcher = await watchTransfers(stage.stack.chain);
    const figures = await measure(stage, seller, watcher, options, (cut) => {
      isCut = cut;
    });
    await watcher.stop();
    return figures;
  } catch (cause) {
    throw new Error(`outage: ${stage.stack.gateway.output()}`, { cause });
  } finally {
    await stage.stop();
    await rm(directory, { recursive: true, force: true });
  }
};

/** Funds payers and settles a first payment of each. */
export const introduce = async ({ stack }: Stage, payers: number): Promise<Seller> => {
  const buyers = agents(payers);
  await Promise.all(buyers.map(async ({ address }) => await stack.chain.fund(address, FUNDS)));
  const seller = await countersign(stack.gateway, SELLER.relayer, buyers);
  await buyFirst(seller);
  return seller;
};

const measure = async (
  stage: Stage,
  { port, buyers, vanilla }: Seller,
  watcher: TransferWatcher,
  { seconds, rate, print }: OutageOptions,
  cut: (isCut: boolean) => void,
): Promise<OutageFigures> => {
  const answered: Answered[] = [];
  const began = performance.now();
  const load = await startLoad(
    port,
    { connections: CONNECTIONS, perSecond: rate },
    async ({ send }, number) => {
      const buyer = buyers[number % buyers.length];
      if (buyer === undefined) throw new Error('There is no payer.');
      const payment = vanilla(buyer);
      const sentAt = performance.now();
      const answer = await send(getRequest(port, TARGET, { 'PAYMENT-SIGNATURE': payment }));
      const { status } = answer;
      const body = status === 200 ? '' : answer.body;
      answered.push({ nonce: nonceOf(payment), sentAt, at: performance.now(), status, body });
    },
  );
  const since = (): string => `${((performance.now() - began) / 1_000).toFixed(0)} s of load`;
  await sleep(BEFORE);
  cut(true);
  const cutAt = performance.now();
  print(`${since()}: chain and facilitator are gone`);
  await sleep(seconds);
  cut(false);
  const backAt = performance.now();
  print(`${since()}: they are back`);
  await sleep(seconds);
  await load.stop();
  print(`${since()}: no more calls, ${answered.length} were answered`);
  const accepted = answered.filter(({ status }) => status === 200);
  const owed = accepted.filter(({ at }) => at <= backAt);
  await watcher.all(
    accepted.map(({ nonce }) => nonce),
    PATIENCE_MS,
  );
  const backlogAt = (time: number): number =>
    accepted.filter(({ nonce, at }) => at <= time && !((watcher.at(nonce) ?? Infinity) <= time))
      .length;
  const during = answered.filter(({ at }) => at > cutAt && at <= backAt);
  const lastOwed = Math.max(...owed.map(({ nonce }) => watcher.at(nonce) ?? Infinity));
  const endAt = backAt + seconds * 1_000;
  return {
    answered: answered.length,
    duringOutage: during.length,
    refused: answered.filter(({ status }) => status !== 200),
    latency: {
      p50: quantile(
        during.map(({ sentAt, at }) => at - sentAt),
        0.5,
      ),
      p99: quantile(
        during.map(({ sentAt, at }) => at - sentAt),
        0.99,
      ),
    },
    backlog: { before: backlogAt(cutAt), atReturn: backlogAt(backAt), atEnd: backlogAt(endAt) },
    clearedAfter: (lastOwed - backAt) / 1_000,
    losses: await findLosses(stage, buyers, accepted, watcher),
  };
};
