import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../src/core/clock.ts';
import { snapshotOf, trust } from '../durable-objects/support.ts';
import { addressOf } from '../unit/gateway/signing.ts';
import { AUDIENCE, type CountedGateway, countedGateway } from './gateway.ts';
import { bound, requestWith, vanilla } from './payments.ts';
import { CALL_BUDGET } from './call-budget.ts';
import { tally } from './tally.ts';
import { takeWork, type Work } from './work-by-step.ts';

/**
 * Counts the work of a paid call, so that no change makes a call more expensive by accident. A call does no work that is not listed: no
 * request to the chain, no query, no rate limit.
 */
let gateway: CountedGateway;
beforeAll(async () => {
  gateway = await countedGateway();
  // Stop the clock, so that no call reads the catalogue again.
  vi.useFakeTimers({ now: nowSeconds() * 1_000, toFake: ['Date'] });
  await trust(addressOf('agent'), 1_000_000n, 1_000_000_000n);
  // An isolate's first calls also read the catalogue and hash domains and names.
  await used(await vanilla('agent'));
  await used(await bound('agent'));
});
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Counts the work of a call with this payment. */
const used = async (payload: unknown) => {
  const request = requestWith(payload);
  tally();
  const answer = await gateway.fetch(request);
  expect(answer.status, await answer.text()).toBe(200);
  return tally();
};

const ALWAYS = {
  // One RPC before the tool runs and one afterwards, and the request to the tool.
  'account.reserve': 1,
  'account.finish': 1,
  upstream: 1,
  // The gateway hashes the request and the answer's body. The object hashes the two entries, and the signature as evidence.
  'native.digest': 5,
  // The gateway signs the assertion to the upstream, and the receipt.
  'native.sign': 2,
};
/** Hashes of the transfer, and of its digest. */
const TRANSFER = 2;
/** Hashes of the target, of the intent, and of its digest. Audience, tool, method and content type are cached. */
const INTENT = 3;
/** The hash that turns a public key into an address. */
const KEY = 1;
test('a request without a proof costs no digest, no RPC and no rate limit', async () => {
  const sendUnpaid = () => gateway.fetch(new Request(`${AUDIENCE}/tools/lookup?word=river`));
  // The first offer hashes the addresses that it names.
  await sendUnpaid();
  tally();
  const answer = await sendUnpaid();
  expect(answer.status).toBe(402);
  expect(tally()).toEqual({});
});

test('a paid call of a payer whose facts are fresh costs one recovery', async () => {
  expect(await used(await vanilla('agent'))).toEqual({
    ...ALWAYS,
    recovery: 1,
    keccak: TRANSFER + KEY,
  });
});

test('a bound call costs one recovery as well', async () => {
  expect(await used(await bound('agent'))).toEqual({
    ...ALWAYS,
    recovery: 1,
    keccak: TRANSFER + INTENT + KEY,
  });
});

const rowsWritten = async (): Promise<number> => (await snapshotOf(addressOf('agent'))).rowsWritten;

/** The work of a bound call by `step: what`. */
const workOfCall = async (): Promise<ReadonlyMap<string, Work>> => {
  const payload = await bound('agent');
  const before = await rowsWritten();
  takeWork();
  await used(payload);
  const work = new Map(takeWork());
  return work.set('commit: row', { amount: (await rowsWritten()) - before, places: [] });
};

/** Work of earlier calls that runs a second later falls into some of these calls, but not into all. */
const REPEATED = 5;

/** The least of several calls, by `step: what`. */
const leastWork = async (): Promise<readonly (readonly [name: string, Work])[]> => {
  const [first = new Map<string, Work>(), ...others] = await inSequence(REPEATED, workOfCall);
  return [...first].flatMap(([name, work]) => {
    const all = [work, ...others.flatMap((other) => other.get(name) ?? [])];
    if (all.length < REPEATED || name.startsWith('background')) return [];
    return [[name, all.reduce((a, b) => (b.amount < a.amount ? b : a))] as const];
  });
};

const inSequence = async <T>(times: number, run: () => Promise<T>): Promise<readonly T[]> => {
  const all: T[] = [];
  for (let time = 0; time < times; time += 1) all.push(await run());
  return all;
};

test('no step of a bound call does more work than its budget', async () => {
  const works = await leastWork();
  const amounts = works.map(([name, { amount }]) => `  ${name}: ${amount}`).toSorted();
  console.log(`work of a bound call:\n${amounts.join('\n')}`);
  const excess = works.flatMap(([name, { amount, places }]) => {
    const most = CALL_BUDGET[name] ?? 0;
    return amount > most ? [`${name}: ${amount}, at most ${most}: ${places.join(', ')}`] : [];
  });
  expect(excess, 'more work than test/guards/call-budget.ts allows').toEqual([]);
});
