import { describe, expect, it } from 'vitest';
import { parsePaymentSignature } from '../../../src/protocol/x402/payment-payload.ts';
import vectors from '../../vectors/countersign-v1.json';
import {
  agentOf,
  type Arrived,
  callOf,
  challenged,
  creditLeft,
  entry,
  entry1,
  GATEWAY,
  HASH,
  type Hex,
  intentOf,
  offer,
  offer1,
  problem,
  scripted,
  served,
  type Step,
  URL_OF_TOOL,
} from './server.ts';

const authority = vectors.delegation.hash as Hex;
const NONE: Hex = `0x${'0'.repeat(64)}`;

/** The authority of a request's intent, which may be in either form. */
const authorityIn = (arrived: Arrived | undefined): Hex | undefined => {
  const paid = parsePaymentSignature(arrived?.headers.get('PAYMENT-SIGNATURE') ?? '');
  return paid.ok ? paid.value.intent?.authority : intentOf(arrived).intent.authority;
};

const serve =
  (left?: bigint): Step =>
  async (arrived) =>
    await served(arrived, callOf(arrived), {}, left === undefined ? {} : creditLeft(left));

describe('the option authority', () => {
  it('is part of the intent of a bound payment, a call from credit and a top-up', async () => {
    const server = scripted(
      () => offer(),
      serve(50_000n),
      serve(30_000n),
      () => offer(),
      serve(),
    );
    const agent = agentOf(server, { authority });
    await agent.fetch(URL_OF_TOOL);
    await agent.fetch(URL_OF_TOOL);
    await agent.topUp(GATEWAY, 20_000n);
    const signed = [1, 2, 4].map((at) => server.arrived[at]);
    expect(signed.map((arrived) => arrived?.headers.has('Agent-Intent'))).toEqual([
      false,
      true,
      false,
    ]);
    expect(signed.map(authorityIn)).toEqual([authority, authority, authority]);
  });

  it('is part of the intent of a free call', async () => {
    const server = scripted(
      () => challenged(),
      () => new Response('found'),
    );
    await agentOf(server, { authority }).fetch(`${GATEWAY}/tools/search?q=x`);
    expect(authorityIn(server.arrived[1])).toBe(authority);
  });

  it('is not part of a look-up, which the payer may make under any grant', async () => {
    const server = scripted(
      () => challenged(),
      () => problem(404, 'unknown-call'),
      () => problem(404, 'unknown-call'),
    );
    const asked = agentOf(server, { authority }).look(GATEWAY, HASH);
    await expect(asked).rejects.toMatchObject({ code: 'unknown_call' });
    expect(authorityIn(server.arrived[1])).toBe(NONE);
  });

  it('does not change payments to servers without intents', async () => {
    for (const asking of [() => offer([entry()], {}), () => offer1([entry1()])]) {
      const server = scripted(asking, () => new Response('ok'));
      const answer = await agentOf(server, { authority }).fetch(URL_OF_TOOL);
      expect(answer.countersign).toMatchObject({ paid: 'payment', binding: 'none' });
    }
  });

  it('is zero by default, so that the gateway uses the default grant', async () => {
    const server = scripted(() => offer(), serve());
    await agentOf(server).fetch(URL_OF_TOOL);
    expect(authorityIn(server.arrived[1])).toBe(NONE);
  });

  it.each(['', '0x', authority.slice(0, -2), `${authority}00`, authority.toUpperCase(), 'default'])(
    'must be a hash: rejects %j before it sends anything',
    (wrong) => {
      const server = scripted();
      expect(() => agentOf(server, { authority: wrong as Hex })).toThrow(
        expect.objectContaining({
          code: 'options_invalid',
          message: expect.stringContaining('authority') as string,
        }) as Error,
      );
      expect(server.arrived).toEqual([]);
    },
  );
});
