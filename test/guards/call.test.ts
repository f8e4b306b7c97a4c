import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../src/core/clock.ts';
import { trust } from '../durable-objects/support.ts';
import { addressOf } from '../unit/gateway/signing.ts';
import { AUDIENCE, type CountedGateway, countedGateway } from './gateway.ts';
import { bound, requestWith, vanilla } from './payments.ts';
import { tally } from './tally.ts';

/**
 * What a paid call costs, counted: it may not become more by accident. A figure here that becomes less is good news and is to be written
 * down; one that becomes more needs a reason. What is not named is not done at all: no look at the chain, no query, no rate limit.
 */
let gateway: CountedGateway;
beforeAll(async () => {
  gateway = await countedGateway();
  // Of one second, so that nobody reads the catalogue again.
  vi.useFakeTimers({ now: nowSeconds() * 1_000, toFake: ['Date'] });
  await trust(addressOf('agent'), 1_000_000n, 1_000_000_000n);
  // An isolate's first calls read the catalogue, and hash domains and names.
  await used(await vanilla('agent'));
  await used(await bound('agent'));
});
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** What a call with this payment has cost. */
const used = async (payload: unknown) => {
  const request = requestWith(payload);
  tally();
  const answer = await gateway.fetch(request);
  expect(answer.status, await answer.text()).toBe(200);
  return tally();
};

const ALWAYS = {
  // One question before the tool and one after; the tool.
  'account.reserve': 1,
  'account.finish': 1,
  upstream: 1,
  // The body of the request, the request, the body of the answer.
  'native.digest': 3,
  // The assertion to the upstream, and the receipt.
  'native.sign': 2,
  // In the object: the two entries, and the signature as evidence.
  sha256: 3,
};
/** The transfer and its digest. */
const TRANSFER = 2;
/** The target and the intent, and its digest: audience, tool, method and content type are remembered. */
const INTENT = 3;
/** A key is made an account by one hash. */
const KEY = 1;
/** Odd multiples of one point (those of the generator are kept) and one sum; of the signature, of these points, of the key. */
const RECOVERY = { recovery: 1, 'point.odd': 1, 'point.sum': 1, inversion: 3 };
/** A multiple of the generator and one of the key; of the signature, and of the sum. */
const TABLE = { table: 1, 'point.multiple': 2, inversion: 2 };

test('a request without a proof costs nothing: no digest, no question, no rate limit', async () => {
  const ask = () => gateway.fetch(new Request(`${AUDIENCE}/tools/lookup?word=river`));
  // The first offer hashes the addresses that it names.
  await ask();
  tally();
  const answer = await ask();
  expect(answer.status).toBe(402);
  expect(tally()).toEqual({});
});

describe('a paid call of a payer whose facts are fresh', () => {
  test('is one recovery while its key is not known, bound or not', async () => {
    expect(await used(await vanilla('agent'))).toEqual({
      ...ALWAYS,
      keccak: TRANSFER + KEY,
      ...RECOVERY,
    });
    expect(await used(await bound('agent'))).toEqual({
      ...ALWAYS,
      keccak: TRANSFER + INTENT + KEY,
      ...RECOVERY,
    });
  });

  test('is one verification by a table after sixteen', async () => {
    for (let made = 0; made < 16; made += 1) await used(await vanilla('agent'));
    expect(await used(await vanilla('agent'))).toEqual({
      ...ALWAYS,
      keccak: TRANSFER,
      ...TABLE,
    });
    expect(await used(await bound('agent'))).toEqual({
      ...ALWAYS,
      keccak: TRANSFER + INTENT,
      ...TABLE,
    });
  });
});
