import type { Seconds } from '../../src/core/clock.ts';
import type { Flight, RelayerStatus } from '../../src/protocol/relayer-contract.ts';
import type { Facts } from '../../src/settlement/relayer/node.ts';
import { isRefused } from '../../src/settlement/relayer/pending.ts';
import { put } from '../store/noun.ts';
import type { RelayerContext } from './context.ts';
import { COUNTERS, type Counters } from './counters.ts';
import { newest } from './flight.ts';
import { flightsOf, inFlight, type LiveFlight, type Memory } from './memory.ts';

/** How many payments the balance pays for, at the recent gas per payment and the current fee. */
const coverOf = (
  { balance, market }: Pick<Facts, 'balance' | 'market'>,
  { gasPerPayment }: Pick<Counters, 'gasPerPayment'>,
): number => {
  const fee = market.baseFee + market.tip;
  const covers = balance / (BigInt(gasPerPayment) * (fee > 0n ? fee : 1n));
  return Number(covers < BigInt(Number.MAX_SAFE_INTEGER) ? covers : Number.MAX_SAFE_INTEGER);
};

/** The relayer's status for operators. @param facts the newest that a node has returned */
export const statusOf = (
  { setup, memory }: RelayerContext,
  facts: Memory['facts'],
): RelayerStatus => {
  const flying = inFlight(memory);
  const waiting = [...memory.pending.values()].filter(
    (one) => !flying.has(one.key) && !isRefused(one),
  );
  const { counters, lastError } = memory;
  return {
    verdict: 'found',
    network: setup.network,
    address: setup.address,
    ...(facts === undefined
      ? {}
      : {
          balance: facts.facts.balance.toString(),
          balanceAt: facts.at,
          covers: coverOf(facts.facts, counters),
        }),
    waiting: waiting.length,
    ...(waiting.length === 0 ? {} : { oldestAt: Math.min(...waiting.map(({ at }) => at)) }),
    flights: flightsOf(memory).map(flightOf),
    totals: {
      transactions: counters.transactions,
      payments: counters.payments,
      replaced: counters.replaced,
      gasUsed: counters.gasUsed.toString(),
      fees: counters.fees.toString(),
    },
    ...(lastError === undefined ? {} : { lastError }),
  };
};

const flightOf = ({ record, block }: LiveFlight): Flight => ({
  nonce: record.nonce,
  hashes: record.attempts.map(({ hash }) => hash),
  payments: record.keys.length,
  maxFeePerGas: newest(record).maxFeePerGas.toString(),
  sentAt: newest(record).at,
  ...(block === undefined ? {} : { block }),
});

/** When the balance pays for fewer payments, an operator should send ether. */
const LOW = 1_000;
/** How often the alert is repeated. */
const ALERT_EVERY: Seconds = 6 * 3_600;

/** Raises the alert `gas` while the balance pays for few payments. */
export const alertLowGas = async ({
  setup,
  memory,
  disk,
  subscribers,
  now,
}: RelayerContext): Promise<void> => {
  if (memory.facts === undefined) return;
  const covers = coverOf(memory.facts.facts, memory.counters);
  if (covers >= LOW || now() - memory.counters.warnedAt < ALERT_EVERY) return;
  const { balance } = memory.facts.facts;
  const detail = {
    network: setup.network,
    address: setup.address,
    balance: balance.toString(),
    covers,
  };
  if (!(await subscribers.alertLowGas(detail))) return;
  const counters = { ...memory.counters, warnedAt: now() };
  memory.counters = counters;
  // A relayer that has never sent a transaction has no tables yet (law 12).
  if (counters.transactions > 0) disk.write([put(COUNTERS, counters)]);
};
