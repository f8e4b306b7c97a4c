import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { askBound } from '../support/false-gateway.ts';
import type { Ledger } from '../support/ledger.ts';
import type { Received } from '../support/mallory.ts';
import { ask, base64, bound, entry, NETWORK, problem, required } from '../support/offer.ts';
import { TOTAL, useStage } from '../support/victim.ts';

const stage = useStage();
/** Ten dollars of credit, that nobody has. */
const LIE = { RateLimit: '"credit";r=10000000', 'RateLimit-Policy': '"credit";q=10000000' };

const isIntent = ({ headers }: Received): boolean => headers['agent-intent'] !== undefined;

describe('a server that tells of credit that is not there', () => {
  it('is asked once, denies it, and is paid: no more than the price, each time', async () => {
    const { url, received } = await stage.mallory((each, response) => {
      if (each.proof === undefined) return askBound(each, response);
      if (isIntent(each)) return problem(response, 403, 'denied', { rule: 'credit' }, LIE);
      response.writeHead(200, LIE).end('sold');
    });
    const { agent, ledger } = stage.victim();
    for (let call = 0; call < 3; call += 1) {
      const answer = await agent.fetch(url);
      expect([answer.status, answer.countersign.paid]).toEqual([200, 'payment']);
    }
    expect([ledger.transfers.length, ledger.total()]).toEqual([3, 3000n]);
    // Credit is tried on the second and third call: each once, though the denial says again that it is there.
    expect(ledger.intents.map(({ maxAmount }) => maxAmount)).toEqual([1000n, 1000n]);
    expect(received.length).toBeLessThanOrEqual(10);
    expect(agent.spending()).toMatchObject({ signed: 3000n });
  });

  it('and denies payments for want of credit too gets no second one', async () => {
    const { url } = await stage.mallory((each, response) => {
      if (each.proof === undefined) askBound(each, response);
      else problem(response, 403, 'denied', { rule: 'credit' }, LIE);
    });
    const { agent, ledger } = stage.victim();
    for (let call = 0; call < 3; call += 1) expect((await agent.fetch(url)).status).toBe(403);
    expect([ledger.transfers.length, ledger.total()]).toEqual([3, 3000n]);
    expect(ledger.intents.length).toBeLessThanOrEqual(2);
  });

  it('and takes it is taking the same credit again and again: that counts, and ends at the total', async () => {
    let price = '1000';
    const { url } = await stage.mallory((each, response) => {
      if (each.proof === undefined) return askBound(each, response, { amount: price });
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

  describe('at a bank that it only stands before', () => {
    const bank = 'https://bank.example';
    /** What could leave the agent in all: money, and credit at the bank that others may have put there. */
    const exposed = ({ transfers, intents }: Ledger): bigint =>
      [...transfers.map(({ value }) => value), ...intents.map(({ maxAmount }) => maxAmount)].reduce(
        (sum, each) => sum + each,
        0n,
      );
    const front = async (answer: (each: Received, response: ServerResponse) => void) =>
      await stage.mallory((each, response) => {
        if (each.proof !== undefined) return answer(each, response);
        ask(response, required([entry({ amount: '9000' })], { extensions: bound(bank) }));
      });

    it.each<[string, (each: Received, response: ServerResponse) => void]>([
      [
        'payments and intents charge nothing',
        (_, response) => {
          const transaction = `0x${'11'.repeat(32)}`;
          const told = { success: true, transaction, network: NETWORK, amount: '0' };
          response.writeHead(200, { ...LIE, 'PAYMENT-RESPONSE': base64(told) }).end('sold');
        },
      ],
      [
        'intents are denied',
        (each, response) => {
          if (isIntent(each)) problem(response, 403, 'denied', { rule: 'credit' }, LIE);
          else response.writeHead(200, LIE).end('sold');
        },
      ],
    ])('gets no more than the total, though it says that %s', async (_, answer) => {
      const { url } = await front(answer);
      const { agent, ledger } = stage.victim({ audiences: [bank] });
      for (let call = 0; call < 20; call += 1) await agent.fetch(url).catch(() => undefined);
      expect(ledger.intents.length).toBeGreaterThan(0);
      expect(exposed(ledger)).toBeLessThanOrEqual(TOTAL);
    });

    it('cannot have another request signed than the one that was sent', async () => {
      const more = { method: 'DELETE', target: '/accounts/7', contentType: 'x/y', nonce: 1, payloadDigest: `0x${'00'.repeat(32)}` };
      const { url } = await stage.mallory(({ proof }, response) => {
        if (proof !== undefined) response.writeHead(200, LIE).end('sold');
        else ask(response, required([entry()], { extensions: bound(bank, more) }));
      });
      const { agent, ledger } = stage.victim({ audiences: [bank] });
      for (let call = 0; call < 2; call += 1) expect((await agent.fetch(`${url}/thing`)).status).toBe(200);
      expect(ledger.intents).toMatchObject([{ method: 'GET', target: '/thing' }]);
    });

    it('cannot have a top-up spent twice', async () => {
      const { url } = await front((_, response) => response.writeHead(200, LIE).end('{}'));
      const { agent, ledger } = stage.victim({ audiences: [bank] });
      await agent.topUp(url, 9000n);
      for (let call = 0; call < 20; call += 1) await agent.fetch(url).catch(() => undefined);
      expect(ledger.intents.length).toBeGreaterThan(0);
      expect(exposed(ledger)).toBeLessThanOrEqual(TOTAL);
    });
  });

  it.each([
    '"credit";r=-5', '"credit";r=1e9', '"credit";r=99999999999999999999', '"credit";r="many"', 'credit;r=5', '"credit"', ';;;', '"credit";r=5, "credit";r=10000000',
  ])('as %j is not believed beyond its words', async (header) => {
    const { url } = await stage.mallory((each, response) => {
      if (each.proof === undefined) return askBound(each, response);
      response.writeHead(200, { RateLimit: header }).end('sold');
    });
    const { agent, ledger } = stage.victim();
    for (let call = 0; call < 2; call += 1) expect((await agent.fetch(url)).status).toBe(200);
    expect(ledger.total() + ledger.intents.reduce((sum, { maxAmount }) => sum + maxAmount, 0n)).toBe(2000n);
  });
}); // prettier-ignore

describe('a top-up', () => {
  it.each(['5001', '10000', '49999'])('is not made for %s where 5000 was asked for', async (amount) => {
    const { url, proofs } = await stage.mallory((each, response) => {
      if (each.proof !== undefined) return void response.end('{}');
      const extensions = bound(`http://${each.headers.host ?? ''}`, { tool: 'countersign.credits' });
      ask(response, required([entry({ amount })], { extensions }));
    });
    const { agent, ledger } = stage.victim();
    expect((await stage.refused(agent.topUp(url, 5000n))).code).toBe('over_per_call');
    expect([ledger.signatures, proofs()]).toEqual([[], []]);
  });

  it('over the total is not made', async () => {
    const { url } = await stage.mallory((each, response) => askBound(each, response, { amount: '50001' }));
    const { agent, ledger } = stage.victim();
    await stage.refused(agent.topUp(url, 50_001n));
    expect(ledger.signatures).toEqual([]);
  });

  it('that is redirected is not made', async () => {
    const thief = await stage.mallory((each, response) => askBound(each, response));
    const { url } = await stage.mallory((_, response) => void response.writeHead(307, { Location: thief.url }).end());
    const { agent, ledger } = stage.victim();
    expect((await agent.topUp(url, 1000n)).status).toBe(307);
    expect([ledger.signatures, thief.proofs()]).toEqual([[], []]);
  });
}); // prettier-ignore
