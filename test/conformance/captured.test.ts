import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalAccount } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../../dev/gateway.ts';
import { bind, bound, boundField, boundTree } from './support/bound.ts';
import { type Offered, readOffer } from './support/offer.ts';
import {
  encode,
  isUsed,
  newAccount,
  settled,
  transfersFrom,
  trust,
  trustedAccount,
  v1,
  v2,
} from './support/payment.ts';
import { newTranscript, runsSince, type Transcript } from './support/transcript.ts';
import {
  notarise,
  report,
  sendTo,
  type ToolCall,
  translate,
  useWorld,
  type World,
} from './support/world.ts';

const world = useWorld();

/** The world as it is seen through another gateway of the same chain and upstream. */
const gatewayAt = (origin: string): World => {
  const at: World = {
    ...world(),
    send: async (call, headers) => await sendTo(origin, call, headers),
    offer: async (call): Promise<Offered> => readOffer(await at.send(call)),
  };
  return at;
};

/** A second gateway: same chain, same payee, same tools and prices, another origin. */
let second: Gateway;
let there: World;
let directory: string;
let account: LocalAccount;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-second-'));
  const { rpc, facilitator, upstream, payTo } = world().stack.description;
  second = await startGateway({
    ...{ rpc, payTo, persistTo: directory, upstreamUrl: upstream, facilitators: [facilitator] },
    shield: 1_000_000,
  });
  there = gatewayAt(second.url);
  account = await trustedAccount(world(), { reports: 4, left: 1_000_000n });
  // Known and trusted at both: what is refused is refused for its binding, not for its payer.
  await trust(there, account, 2);
});
afterAll(async () => {
  await second.stop();
  await rm(directory, { recursive: true, force: true });
});

const say = (gateway: 'A' | 'B', call: ToolCall, what: string): string =>
  `${gateway === 'A' ? 'agent at gateway A' : 'attacker at gateway B'}: ${call.method} ${call.path}, ${what}`;

/** Prints what was told, and gives what ran and what moved since. */
const conclude = async (
  transcript: Transcript,
  before: Awaited<ReturnType<World['counts']>>,
  paid: number,
) => {
  const ran = await runsSince(world(), before);
  const transfers = (await transfersFrom(world(), account.address)).slice(paid);
  transcript.print(ran, transfers);
  return { ran, transfers };
};

describe('a bound payment that was captured, at a second gateway of the same payee', () => {
  it.each([
    ['deferred', translate, 20_000n, 'translate'],
    ['settled first', notarise, 10_000n, 'notarise'],
  ])('is refused there before and after its use: %s', async (_, call, price, tool) => {
    const transcript = newTranscript(`Captured bound payment (${tool})`);
    const before = await world().counts();
    const paid = (await transfersFrom(world(), account.address)).length;
    const payment = await bind(world(), account, call);
    expect((await there.offer(call)).accepts).toEqual((await world().offer(call)).accepts);

    const replay = async (): Promise<void> => {
      const told = await transcript.step(
        say('B', call, 'the captured payment'),
        await there.send(call, bound(payment)),
      );
      expect([told.status, told.kind]).toEqual([400, 'intent-mismatch']);
      expect(JSON.parse(told.text)).toMatchObject({
        field: boundField('audience'),
        expected: second.audience,
        got: world().stack.description.audience,
      });
      // The audience that B wants breaks the nonce.
      const intent = { ...payment.intent, audience: second.audience };
      const altered = await transcript.step(
        say('B', call, "its intent altered to B's audience"),
        await there.send(call, bound({ ...payment, intent })),
      );
      expect([altered.status, altered.kind]).toEqual([400, 'intent-mismatch']);
      expect(JSON.parse(altered.text)).toMatchObject({
        field: 'PAYMENT-SIGNATURE.payload.authorization.nonce',
      });
    };
    await replay();
    expect(await isUsed(world(), payment)).toBe(false);
    const mine = await transcript.step(
      say('A', call, 'the payment'),
      await world().send(call, bound(payment)),
    );
    expect(mine.status).toBe(200);
    await settled(world(), payment);
    await replay();
    const { ran, transfers } = await conclude(transcript, before, paid);
    expect(ran).toEqual({ [tool]: 1 });
    expect(transfers).toEqual([price]);
  });

  it('and stripped is refused there on a tool that requires binding, before and after its use', async () => {
    const transcript = newTranscript('Captured bound payment, stripped (notarise)');
    const before = await world().counts();
    const paid = (await transfersFrom(world(), account.address)).length;
    const payment = await bind(world(), account, notarise);
    const replay = async (): Promise<void> => {
      for (const [how, headers] of [
        ['v2', v2(payment)],
        ['v2 with an identifier', v2(payment, 'a'.repeat(32))],
        ['v1', v1(payment)],
        [
          'v2 with empty extensions',
          { 'PAYMENT-SIGNATURE': encode({ ...boundTree(payment), extensions: {} }) },
        ],
      ] as const) {
        const told = await transcript.step(
          say('B', notarise, `the payment without its intent, as ${how}`),
          await there.send(notarise, headers),
        );
        expect([told.status, told.kind]).toEqual([400, 'binding-required']);
      }
    };
    await replay();
    expect(await isUsed(world(), payment)).toBe(false);
    const mine = await transcript.step(
      say('A', notarise, 'the payment'),
      await world().send(notarise, bound(payment)),
    );
    expect(mine.status).toBe(200);
    await replay();
    const { ran, transfers } = await conclude(transcript, before, paid);
    expect(ran).toEqual({ notarise: 1 });
    expect(transfers).toEqual([10_000n]);
  });
});

describe('a bound payment that was captured, at a gateway with a payee of its own', () => {
  // What SECURITY.md asks of operators: with one payee for each gateway, not even a stripped payment is good elsewhere.
  it('is refused, bound and stripped, on a tool that takes vanilla payments', async () => {
    const transcript = newTranscript(
      'Captured bound payment, stripped, where the payee is another',
    );
    const state = await mkdtemp(join(tmpdir(), 'countersign-third-'));
    const { rpc, facilitator, upstream } = world().stack.description;
    const third = await startGateway({
      ...{ rpc, persistTo: state, upstreamUrl: upstream, facilitators: [facilitator] },
      payTo: newAccount().address,
      shield: 1_000_000,
    });
    try {
      const elsewhere = gatewayAt(third.url);
      const before = await world().counts();
      const paid = (await transfersFrom(world(), account.address)).length;
      const payment = await bind(world(), account, report);
      const [accepted] = (await elsewhere.offer(report)).accepts;
      for (const [how, headers] of [
        ['the captured payment', bound(payment)],
        ['the payment without its intent', v2(payment)],
        ["the same, accepting B's offer", v2({ ...payment, accepted })],
        ['the same, as v1', v1(payment)],
      ] as const) {
        const told = await transcript.step(
          say('B', report, how),
          await elsewhere.send(report, headers),
        );
        expect(told.status).toBe(400);
        expect(['requirement-mismatch', 'recipient-mismatch']).toContain(told.kind);
      }
      const mine = await transcript.step(
        say('A', report, 'the payment'),
        await world().send(report, bound(payment)),
      );
      expect(mine.status).toBe(200);
      const { ran, transfers } = await conclude(transcript, before, paid);
      expect(ran).toEqual({ report: 1 });
      expect(transfers).toEqual([50_000n]);
    } finally {
      await third.stop();
      await rm(state, { recursive: true, force: true });
    }
  });
});
