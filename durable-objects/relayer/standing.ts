import type { Facts } from '../../src/settlement/relayer/node.ts';
import { isRefused } from '../../src/settlement/relayer/pending.ts';
import type { Flight, RelayerStatus } from '../../src/protocol/relayer-contract.ts';
import type { Desk } from './desk.ts';
import { flightsOf, inFlight, type LiveFlight } from './memory.ts';
import { type Counters, newest } from './record.ts';

/** How many payments the balance still pays for, at the gas of late and the fee of now. */
export const coverOf = (
  { balance, market }: Pick<Facts, 'balance' | 'market'>,
  { gasPerPayment }: Pick<Counters, 'gasPerPayment'>,
): number => {
  const fee = market.baseFee + market.tip;
  const covers = balance / (BigInt(gasPerPayment) * (fee > 0n ? fee : 1n));
  return Number(covers < BigInt(Number.MAX_SAFE_INTEGER) ? covers : Number.MAX_SAFE_INTEGER);
};

export const standingOf = ({ setup, memory }: Desk): RelayerStatus => {
  const flying = inFlight(memory);
  const waiting = [...memory.pending.values()].filter(
    (one) => !flying.has(one.key) && !isRefused(one),
  );
  const { counters, facts, lastError } = memory;
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
