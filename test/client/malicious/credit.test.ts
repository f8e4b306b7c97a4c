import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { sendBoundOffer } from '../support/false-gateway.ts';
import type { Ledger } from '../support/ledger.ts';
import type { Received } from '../support/mallory.ts';
import { base64Json } from '../../support/payment-header.ts';
import { sendOffer, bound, entry, NETWORK, problem, required } from '../support/offer.ts';
import { TOTAL, useStage } from '../support/victim.ts';

const stage = useStage();
/** Ten dollars of credit that does not exist. */
const LIE = { RateLimit: '"credit";r=10000000', 'RateLimit-Policy': '"credit";q=10000000' };

const isIntent = ({ headers }: Received): boolean => headers['agent-intent'] !== undefined;

describe('a server that reports credit that does not exist', () => {
  it('gets one intent a call, which it denies, and then no more than the price', async () => {
    const { url, received } = await stage.mallory((each, response) => {
      if (each.proof === undefined) return sendBoundOffer(each, response);
      if (isIntent(each)) return problem(response, 403, 'denied', { rule: 'credit' }, LIE);
      response.writeHead(200, LIE).end('sold');
    });
    const { agent, ledger } = stage.victim();
    for (let call = 0; call < 3; call += 1) {
      const answer = await agent.fetch(url);
      expect([answer.status, answer.countersign.paid]).toEqual([200, 'payment']);
    }
    expect([ledger.transfers.length, ledger.total()]).toEqual([3, 3000n]);
    // On the second and third call the client tries to pay from credit once each, although every denial reports the credit again.
    expect(ledger.intents.map(({ maxAmount }) => maxAmount)).toEqual([1000n, 1000n]);
    expect(received.length).toBeLessThanOrEqual(10);
    expect(agent.spending()).toMatchObject({ signed: 3000n });
  });

  it('gets no second payment when it denies payments for lack of credit too', async () => {
    const { url } = await stage.mallory((each, response) => {
      if (each.proof === undefined) sendBoundOffer(each, response);
      else problem(response, 403, 'denied', { rule: 'credit' }, LIE);
    });
    const { agent, ledger } = stage.victim();
    for (let call = 0; call < 3; call += 1) expect((await agent.fetch(url)).status).toBe(403);
    expect([ledger.transfers.length, ledger.total()]).toEqual([3, 3000n]);
    expect(ledger.intents.length).toBeLessThanOrEqual(2);
  });

  it('can accept intents until they reach the total', async () => {
    let price = '1000';
    const { url } = await stage.mallory((each, response) => {
      if (each.proof === undefined) return sendBoundOffer(each, response, { amount: price });
      response.writeHead(200, LIE).end('sold');
    });
    const { agent, ledger } = stage.victim();
    await agent.fetch(url);
    price = '9999';
    const outcomes: string[] = [];
    for (let call = 0; call < 60; call += 1)
      outcomes.push(await agent.fetch(url).then(() => 'sold', (error: { code: string }) => error.code));
    expect(outcomes.at(-1)).toBe('over_total');
    const promised = ledger.intents.reduce((sum, { maxAmount }) => sum + maxAmount, 0n);
    expect(ledger.total() + promised).toBeLessThanOrEqual(TOTAL);
    expect(agent.spending().signed).toBe(ledger.total() + promised);
  });

  describe('at the audience of another gateway', () => {
    const bank = 'https://bank.example';
    /** Everything that the agent can lose: its money, and its credit at the other gateway. */
    const exposed = ({ transfers, intents }: Ledger): bigint =>
      [...transfers.map(({ value }) => value), ...intents.map(({ maxAmount }) => maxAmount)].reduce(
        (sum, each) => sum + each,
        0n,
      );
    const front = async (answer: (each: Received, response: ServerResponse) => void) =>
      await stage.mallory((each, response) => {
        if (each.proof !== undefined) return answer(each, response);
        sendOffer(response, required([entry({ amount: '9000' })], { extensions: bound(bank) }));
      });

    it.each<[string, (each: Received, response: ServerResponse) => void]>([
      [
        'payments and intents charge nothing',
        (_, response) => {
          const transaction = `0x${'11'.repeat(32)}`;
          const paymentResponse = { success: true, transaction, network: NETWORK, amount: '0' };
          response.writeHead(200, { ...LIE, 'PAYMENT-RESPONSE': base64Json(paymentResponse) }).end('sold');
        },
      ],
      [
        'intents are denied',
        (each, response) => {
          if (isIntent(each)) problem(response, 403, 'denied', { rule: 'credit' }, LIE);
          else response.writeHead(200, LIE).end('sold');
        },
      ],
    ])('gets no more than the total when %s', async (_, answer) => {
      const { url } = await front(answer);
      const { agent, ledger } = stage.victim({ audiences: { [new URL(url).origin]: bank } });
      for (let call = 0; call < 20; call += 1) await agent.fetch(url).catch(() => undefined);
      expect(ledger.intents.length).toBeGreaterThan(0);
      expect(exposed(ledger)).toBeLessThanOrEqual(TOTAL);
    });

    it('gets no signature over another request than the one sent', async () => {
      const more = { method: 'DELETE', target: '/accounts/7', contentType: 'x/y', nonce: 1, payloadDigest: `0x${'00'.repeat(32)}` };
      const { url } = await stage.mallory(({ proof }, response) => {
        if (proof !== undefined) response.writeHead(200, LIE).end('sold');
        else sendOffer(response, required([entry()], { extensions: bound(bank, more) }));
      });
      const { agent, ledger } = stage.victim({ audiences: { [new URL(url).origin]: bank } });
      for (let call = 0; call < 2; call += 1) expect((await agent.fetch(`${url}/thing`)).status).toBe(200);
      expect(ledger.intents).toMatchObject([{ method: 'GET', target: '/thing' }]);
    });

    it('cannot have a top-up spent twice', async () => {
      const { url } = await front((_, response) => response.writeHead(200, LIE).end('{}'));
      const { agent, ledger } = stage.victim({ audiences: { [new URL(url).origin]: bank } });
      await agent.topUp(url, 9000n);
      for (let call = 0; call < 20; call += 1) await agent.fetch(url).catch(() => undefined);
      expect(ledger.intents.length).toBeGreaterThan(0);
      expect(exposed(ledger)).toBeLessThanOrEqual(TOTAL);
    });
  });

  it.each([
    '"credit";r=-5', '"credit";r=1e9', '"credit";r=99999999999999999999', '"credit";r="many"', 'credit;r=5', '"credit"', ';;;', '"credit";r=5, "credit";r=10000000',
  ])('costs no more than its prices with the header %j', async (header) => {
    const { url } = await stage.mallory((each, response) => {
      if (each.proof === undefined) return sendBoundOffer(each, response);
      response.writeHead(200, { RateLimit: header }).end('sold');
    });
    const { agent, ledger } = stage.victim();
    for (let call = 0; call < 2; call += 1) expect((await agent.fetch(url)).status).toBe(200);
    expect(ledger.total() + ledger.intents.reduce((sum, { maxAmount }) => sum + maxAmount, 0n)).toBe(2000n);
  });
}); // prettier-ignore

describe('a top-up', () => {
  it.each(['5001', '10000', '49999'])('of 5000 is not paid at a price of %s', async (amount) => {
    const { url, proofs } = await stage.mallory((each, response) => {
      if (each.proof !== undefined) return void response.end('{}');
      const extensions = bound(`http://${each.headers.host ?? ''}`, { tool: 'countersign.credits' });
      sendOffer(response, required([entry({ amount })], { extensions }));
    });
    const { agent, ledger } = stage.victim();
    expect((await stage.refused(agent.topUp(url, 5000n))).code).toBe('over_per_call');
    expect([ledger.signatures, proofs()]).toEqual([[], []]);
  });

  it('above the total is not paid', async () => {
    const { url } = await stage.mallory((each, response) => sendBoundOffer(each, response, { amount: '50001' }));
    const { agent, ledger } = stage.victim();
    await stage.refused(agent.topUp(url, 50_001n));
    expect(ledger.signatures).toEqual([]);
  });

  it('that is redirected is not paid', async () => {
    const thief = await stage.mallory((each, response) => sendBoundOffer(each, response));
    const { url } = await stage.mallory((_, response) => void response.writeHead(307, { Location: thief.url }).end());
    const { agent, ledger } = stage.victim();
    expect((await agent.topUp(url, 1000n)).status).toBe(307);
    expect([ledger.signatures, thief.proofs()]).toEqual([[], []]);
  });
}); // prettier-ignore
