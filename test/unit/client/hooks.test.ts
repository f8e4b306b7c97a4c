import { describe, expect, it } from 'vitest';
import { agentOf, binding, entry, offer, scripted, URL_OF_TOOL } from './server.ts';

describe('hooks', () => {
  it('receive the offer, the signed call and the answer, but no secret', async () => {
    const seen: unknown[] = [];
    const server = scripted(
      () => offer([entry()], binding()),
      () => new Response('ok'),
    );
    const see = (what: unknown): void => {
      seen.push(what);
    };
    await agentOf(server, { hooks: { onOffer: see, onSign: see, onAnswer: see } }).fetch(
      URL_OF_TOOL,
    );
    expect(seen).toMatchObject([
      { url: URL_OF_TOOL, method: 'GET', paysFrom: 'payment', binding: 'intent' },
      { url: URL_OF_TOOL, pays: 'payment', amount: 20_000n },
      { paid: 'payment', charged: 20_000n },
    ]);
    const proof = server.arrived[1]?.headers.get('PAYMENT-SIGNATURE') ?? '';
    const { payload } = JSON.parse(atob(proof)) as { payload: { signature: string } };
    const text = JSON.stringify(seen, (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
    expect(text).not.toContain(payload.signature);
  });

  it('cannot lose an answer when they fail after it', async () => {
    const server = scripted(
      () => offer(),
      () => new Response('ok'),
    );
    const onAnswer = (): never => {
      throw new Error('mine');
    };
    const answer = await agentOf(server, { hooks: { onAnswer } }).fetch(URL_OF_TOOL);
    expect(await answer.text()).toBe('ok');
  });
});
