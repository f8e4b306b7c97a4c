import type { LocalAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { type RunningServer, serveLoopback } from '../../dev/stack/loopback.ts';
import { answerAsModel, modelScriptAt, type ModelMode } from '../../dev/upstream/model-answer.ts';
import { accountOf, creditedAccount } from './support/credit.ts';
import { agentIntent, digestOf, signPaidIntent } from './support/intent.ts';
import { manage, okJson } from './support/manage.ts';
import { readProblem } from './support/offer.ts';
import { type ToolCall, useSharedWorld } from './support/world.ts';

const SENT = 32;
const ADMITTED = 10;
const MAX = 50_000n;
/** The limit has room for ten maximums, and for less than one more. */
const REST = MAX - 1n;
const LIMIT = BigInt(ADMITTED) * MAX + REST;
/** A token costs a unit. */
const USED = 1_234n;
const CREDIT = BigInt(SENT) * MAX;

const world = useSharedWorld();
const operator = privateKeyToAccount(people.operator.privateKey);
const params = { tool: 'model' };
const callOf = (mode: ModelMode, tokens: bigint): ToolCall => ({
  path: `/tools/model/${mode}/2/${tokens}`,
});

let account: LocalAccount;
let model: RunningServer;
let runs = 0;
const gate = Promise.withResolvers<void>();

beforeAll(async () => {
  model = await serveLoopback({
    handler: (request) => {
      runs += 1;
      return answerAsModel(modelScriptAt(new URL(request.url).pathname), () => gate.promise);
    },
  });
  const meter = {
    ...{ usage: 'openai', rates: { output_tokens: '$0.000001' }, missing: 'max' },
  };
  const body = {
    ...{ id: 'model', method: 'GET', path: '/tools/model/*', description: 'A stand-in model.' },
    ...{ price: { max: `${MAX}u`, meter }, settlement: 'credit', streamSeconds: 120 },
    upstream: `${model.url}/model`,
  };
  await okJson(manage(world(), operator, 'tools.put', { params, body }));
  account = await creditedAccount(world(), { credit: CREDIT, balance: 0n });
  await okJson(
    manage(world(), operator, 'accounts.policy.put', {
      params: { account: accountOf(account.address) },
      body: { lifetime: `${LIMIT}u`, perCall: `${MAX}u` },
      headers: { 'If-None-Match': '*' },
    }),
  );
  // An isolate reads a new tool after some seconds.
  await vi.waitUntil(async () => (await world().send(callOf('complete', USED))).status === 402, {
    ...{ timeout: 30_000, interval: 250 },
  });
});

afterAll(async () => {
  await manage(world(), operator, 'tools.delete', { params, headers: { 'If-Match': '*' } });
  await model.stop();
});

/** Sends the same call many times at once. */
const callAtOnce = async (times: number, request: ToolCall) => {
  const sent = await Promise.all(
    Array.from({ length: times }, async () => {
      const signed = await signPaidIntent(world(), account, request);
      const answer = await world().send(request, agentIntent(signed));
      return { id: digestOf(signed.intent), answer };
    }),
  );
  return {
    admitted: sent.filter(({ answer }) => answer.status === 200),
    denied: sent.filter(({ answer }) => answer.status !== 200),
  };
};

describe('32 metered streams of one agent at once, under a limit for ten', () => {
  it('run ten times at their maximum, and return what they have not used', async () => {
    const first = await callAtOnce(SENT, callOf('complete', USED));
    // No stream has ended yet.
    expect([first.admitted.length, runs]).toEqual([ADMITTED, ADMITTED]);
    for (const { answer } of first.denied) {
      expect(await readProblem(answer)).toMatchObject({
        ...{ status: 403, rule: 'lifetime', limit: `${LIMIT}`, remaining: `${REST}` },
      });
    }
    gate.resolve();
    for (const { answer } of first.admitted) expect(await answer.text()).toMatch(/\[DONE\]\n\n$/);

    // What the ten have not used pays for more calls, as many as its units allow.
    const left = LIMIT - BigInt(ADMITTED) * USED;
    const more = await callAtOnce(SENT, callOf('overuses', 0n));
    expect(more.admitted.length).toBe(Number(left / MAX));
    for (const { answer } of more.admitted) await answer.text();
    const [last] = (await callAtOnce(1, callOf('complete', USED))).denied;
    expect(last && (await readProblem(last.answer))).toMatchObject({ remaining: `${left % MAX}` });
    expect(runs).toBe(ADMITTED + more.admitted.length);

    const charges = [
      ...first.admitted.map(({ id }) => [id, Number(USED)] as const),
      ...more.admitted.map(({ id }) => [id, Number(MAX)] as const),
    ];
    const logged = () => charges.map(([id]) => [id, world().audit.call(id)?.charged]);
    await expect.poll(logged, { timeout: 30_000, interval: 200 }).toEqual(charges);
  });
});
