import type { Seconds } from '../../src/core/clock.ts';
import { isFinal } from '../../src/settlement/chain/expected-transfer.ts';
import { quantitySchema, readAnswer, toQuantity } from '../../src/settlement/chain/json-rpc.ts';
import { blockQuery, type ChainQuery } from '../../src/settlement/chain/query.ts';
import type { Facts } from '../../src/settlement/relayer/node.ts';
import { isRefused, isTooLate, type Pending } from '../../src/settlement/relayer/pending.ts';
import { fateOf, type Mined, readMined } from '../../src/settlement/relayer/receipt.ts';
import { put, remove } from '../store/noun.ts';
import { noteBurnt, noteStrike, noteStruckOut } from './burners.ts';
import type { RelayerContext } from './context.ts';
import { COUNTERS, counted } from './counters.ts';
import { FLIGHT } from './flight.ts';
import { addReport, pendingIn, fail, flightsOf, type LiveFlight } from './memory.ts';
import { PENDING } from './pending-noun.ts';
import { REPORT, type ReportRecord } from './report-record.ts';

/**
 * How long a used nonce may lack a receipt of our transaction before the relayer drops the transaction: nodes have blocks before receipts.
 */
const MISSING: Seconds = 10;

/** Reads the outcome of the transactions and ends those that are final. */
export const confirm = async (context: RelayerContext, facts: Facts): Promise<void> => {
  const { setup, memory } = context;
  const { head, count } = facts;
  const mined: LiveFlight[] = [];
  for (const flight of flightsOf(memory)) {
    if (flight.record.nonce < count) mined.push(flight);
    else if (flight.block !== undefined) {
      // Its block was reorganised away; the node may have dropped the transaction with it.
      flight.block = undefined;
      flight.sentAt = undefined;
    }
  }
  // A mined transaction needs no receipt before it can be final: a reorganisation shows in the transaction count.
  const due = mined.filter(
    ({ block }) => block === undefined || isFinal(block, head.number, setup.confirmations),
  );
  const answers = await context.node.query(
    due.map((flight) => landingQuery(context, flight, head.number)),
  );
  const final: (readonly [LiveFlight, Mined])[] = [];
  due.forEach((flight, at) => {
    const answer = answers[at];
    if (answer?.ok !== true) return;
    const { mined: found, dead } = answer.value;
    if (found === undefined) {
      if (dead) giveUp(context, flight);
      return;
    }
    flight.block = found.receipt.block;
    flight.missingSince = undefined;
    if (isFinal(found.receipt.block, head.number, setup.confirmations)) {
      final.push([flight, found]);
    }
  });
  const times = await context.node.query(
    final.map(([, { receipt }]) => blockQuery(toQuantity(receipt.block))),
  );
  final.forEach(([flight, found], at) => {
    const time = times[at];
    end(context, flight, found, (time?.ok === true ? time.value : undefined) ?? head);
  });
};

type Landing = {
  readonly mined: Mined | undefined;
  /** A final block has a transaction of this nonce. */
  readonly dead: boolean;
};

/** Requests the receipt of every hash of a nonce: a replaced transaction may be the one that was mined. */
const landingQuery = (
  { setup }: RelayerContext,
  { record }: LiveFlight,
  head: number,
): ChainQuery<Landing> => {
  const final = toQuantity(Math.max(0, head - setup.confirmations + 1));
  return {
    calls: [
      { method: 'eth_getTransactionCount', params: [setup.address, final] },
      ...record.attempts.map(({ hash }) => ({
        method: 'eth_getTransactionReceipt',
        params: [hash],
      })),
    ],
    read: ([used, ...receipts]) => ({
      mined: record.attempts
        .map(({ hash }, at) => readMined(receipts[at], hash))
        .find((one) => one !== undefined),
      dead: (readAnswer(used, quantitySchema) ?? 0) > record.nonce,
    }),
  };
};

/** Another process has used the nonce with our key. Only then may its payments go into another transaction. */
const giveUp = ({ memory, disk, now }: RelayerContext, flight: LiveFlight): void => {
  flight.missingSince ??= now();
  if (now() - flight.missingSince < MISSING) return;
  const { nonce } = flight.record;
  disk.write([remove(FLIGHT, nonce)]);
  memory.flights.delete(nonce);
  fail(memory, 'foreign_nonce: a transaction that is not ours was sent with this key', now());
};

/** Ends a final transaction. One storage transaction: the result and the report to send are stored together or not at all. */
const end = (
  { setup, memory, disk, subscribers, now }: RelayerContext,
  flight: LiveFlight,
  mined: Mined,
  block: { readonly timestamp: Seconds },
): void => {
  const { nonce, keys, attempts } = flight.record;
  const { settled, spent, unmoved } = fateOf(setup.token, pendingIn(memory, flight), mined);
  const report: ReportRecord = {
    hash: mined.receipt.transaction,
    block: mined.receipt.block,
    at: block.timestamp,
    payments: keys.length,
    gasUsed: mined.gasUsed,
    fee: mined.fee,
    settled: settled.map(({ key, account, call }) => ({
      key,
      call,
      ...(account === undefined ? {} : { account }),
    })),
  };
  const struck: Pending[] = unmoved
    .filter((one) => !isTooLate(one, now()))
    .map((one) => ({ ...one, strikes: one.strikes + 1 }));
  const kept = new Set(struck.map(({ key }) => key));
  const ended = [...settled, ...spent, ...unmoved]
    .map(({ key }) => key)
    .filter((key) => !kept.has(key));
  const counters = counted(memory.counters, nonce, attempts.length, report);
  disk.write([
    remove(FLIGHT, nonce),
    ...struck.map((one) => put(PENDING, one)),
    ...ended.map((key) => remove(PENDING, key)),
    put(REPORT, report),
    put(COUNTERS, counters),
  ]);
  memory.flights.delete(nonce);
  for (const key of ended) memory.pending.delete(key);
  for (const one of struck) memory.pending.set(one.key, one);
  for (const one of struck) if (isRefused(one)) noteStruckOut(memory.burners, one);
  // With several payments the payer at fault is unknown, and a payment that was mined too late is the relayer's fault.
  const [burner] = unmoved.filter(
    ({ authorization }) => BigInt(block.timestamp) < authorization.validBefore,
  );
  if (keys.length === 1 && burner !== undefined) {
    const { from } = burner.authorization;
    noteStrike(memory.burners, from, now());
    if (memory.contracts.has(from)) noteBurnt(memory.burners, mined.gasUsed, now());
  }
  addReport(memory, report);
  memory.counters = counters;
  memory.floor = Math.max(memory.floor, nonce + 1);
  subscribers.emit({
    event: 'relay_mined',
    network: setup.network,
    payments: settled.length,
    gasUsed: BigInt(mined.gasUsed),
    fee: mined.fee,
  });
  // The relayer alone sees these payments end, because their accounts send no further message. The request of an urgent one emits its event.
  for (const { authorization, charge = authorization.value, at, urgent } of settled) {
    if (urgent) continue;
    const age = Math.max(0, now() - at);
    subscribers.emit({
      event: 'payment_settled',
      network: setup.network,
      amount: charge,
      age,
    });
  }
};
