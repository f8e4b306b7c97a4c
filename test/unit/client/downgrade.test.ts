import { describe, expect, it } from 'vitest';
import { CountersignError, type Agent } from '../../../src/client/index.ts';
import { bindingMarkOf } from '../../../src/protocol/intent/binding.ts';
import {
  parsePaymentSignature,
  parseXPayment,
} from '../../../src/protocol/x402/payment-payload.ts';
import {
  agentOf,
  binding,
  entry,
  entry1,
  GATEWAY,
  offer,
  offer1,
  scripted,
  type Step,
  URL_OF_TOOL,
} from './server.ts';

const sold: Step = () => new Response('ok');
const bindingOffer: Step = () => offer();
const plainOffer: Step = () => offer([entry()], {});

/** The error of a call that the agent must refuse. */
const refusalOf = async (call: Promise<unknown>): Promise<CountersignError> => {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof CountersignError)) throw new Error('was not refused');
  return error;
};

/** An agent whose first, bound call was served by this origin. */
const served = async (...steps: readonly Step[]) => {
  const server = scripted(bindingOffer, sold, ...steps);
  const agent = agentOf(server);
  expect((await agent.fetch(URL_OF_TOOL)).countersign.binding).toBe('intent');
  return { server, agent };
};

describe('an origin that has offered binding', () => {
  it.each([
    ['without extensions', plainOffer],
    ['with another version of the advert', () => offer([entry()], binding({ version: 2 }))],
    ['with another form of binding', () => offer([entry()], binding({ binding: 'none' }))],
    ['with an advert that cannot be read', () => offer([entry()], { 'agent-intent': null })],
    ['of x402 version 1', () => offer1([entry1()])],
  ] as const)('gets no unbound payment for a 402 %s', async (_, step) => {
    const { server, agent } = await served(step);
    const before = agent.spending();
    const error = await refusalOf(agent.fetch(`${GATEWAY}/tools/other`));
    expect(error.code).toBe('binding_downgraded');
    expect(error.message).toContain(GATEWAY);
    expect(error.hint).toContain('signed no payment');
    expect(error.response?.status).toBe(402);
    expect(agent.spending()).toEqual(before);
    expect(server.arrived).toHaveLength(3);
  });

  it('gets no unbound top-up', async () => {
    const { agent } = await served(plainOffer);
    expect((await refusalOf(agent.topUp(GATEWAY, 20_000n))).code).toBe('binding_downgraded');
  });

  it('is remembered even where the agent did not pay the offer', async () => {
    const server = scripted(() => offer([entry({ amount: '9000000' })]), plainOffer);
    const agent = agentOf(server);
    expect((await refusalOf(agent.fetch(URL_OF_TOOL))).code).toBe('over_per_call');
    expect((await refusalOf(agent.fetch(URL_OF_TOOL))).code).toBe('binding_downgraded');
  });

  it('is still remembered after a thousand other origins', async () => {
    const others = Array.from({ length: 1_000 }, (_, at) => `https://${at}.example`);
    // Each server offers binding at too high a price, so the agent pays nothing.
    const asks = others.map(
      (audience): Step =>
        () =>
          offer([entry({ amount: '9000000' })], binding({ audience })),
    );
    const { agent } = await served(...asks, plainOffer);
    for (const other of others) await refusalOf(agent.fetch(`${other}/tools/translate`));
    expect((await refusalOf(agent.fetch(URL_OF_TOOL))).code).toBe('binding_downgraded');
  });

  it('gets bound payments again as soon as it offers binding', async () => {
    const { agent } = await served(plainOffer, bindingOffer, sold);
    await refusalOf(agent.fetch(URL_OF_TOOL));
    expect((await agent.fetch(URL_OF_TOOL)).countersign.binding).toBe('intent');
  });
});

describe('an origin that has not offered binding', () => {
  it('is paid with plain x402, whatever other origins have offered', async () => {
    const { server, agent } = await served(plainOffer, sold, () => offer1(), sold);
    const elsewhere = 'https://shop.example/thing';
    expect((await agent.fetch(elsewhere)).countersign.binding).toBe('none');
    expect((await agent.fetch(elsewhere)).countersign.version).toBe(1);
    const second = parsePaymentSignature(server.arrived[3]?.headers.get('PAYMENT-SIGNATURE') ?? '');
    const first = parseXPayment(server.arrived[5]?.headers.get('X-PAYMENT') ?? '');
    for (const proof of [second, first])
      expect(proof.ok && bindingMarkOf(proof.value.authorization.validAfter)).toBe('none');
  });

  it('is paid by another agent that has not seen the offer', async () => {
    await served();
    const other: Agent = agentOf(scripted(plainOffer, sold));
    expect((await other.fetch(URL_OF_TOOL)).countersign.binding).toBe('none');
  });
});
