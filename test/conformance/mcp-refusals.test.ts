import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { base64Json } from '../support/payment-header.ts';
import {
  type CallResult,
  callRaw,
  endpointOf,
  type Json,
  lookupByMcp,
  type McpToolCall,
  payBound,
  type PaymentPayload,
  payFor,
  postRaw,
  type RawAnswer,
  receiptIn,
  refusalIn,
  translateByMcp,
} from './support/mcp.ts';
import { isUsed, trustedAccount } from './support/payment.ts';
import { useSharedWorld, translate } from './support/world.ts';

const world = useSharedWorld();
const MANY = 100;

let account: LocalAccount;
beforeAll(async () => {
  account = await trustedAccount(world(), { reports: 4, balance: 1_000_000n });
});

const paid = (payment: Json | PaymentPayload): Json => ({ 'x402/payment': payment });
const flaky = (given: Json): McpToolCall => ({ name: 'flaky', arguments: given });

/** Expects that `use` runs no tool. */
const runsNothing = async (use: () => Promise<unknown>): Promise<void> => {
  const before = await world().counts();
  await use();
  expect(await world().counts()).toEqual(before);
};

/** `200` for an answer of the tool, otherwise the kind of the problem. */
const outcome = (answer: RawAnswer): string =>
  answer.result?.isError === true ? refusalIn(answer) : String(answer.status);

describe('one payment', () => {
  it.each(['vanilla', 'bound'])('(%s) in 100 identical calls at once runs once', async (kind) => {
    const { intent: _intent, ...payment } = {
      intent: undefined,
      ...(await (kind === 'bound' ? payBound : payFor)(world(), account, lookupByMcp)),
    };
    const before = (await world().counts()).lookup;
    const answers = await Promise.all(
      Array.from({ length: MANY }, async () => await callRaw(world(), lookupByMcp, paid(payment))),
    );
    const outcomes = answers.map(outcome);
    expect(outcomes.filter((each) => each === '200')).toHaveLength(1);
    expect([...new Set(outcomes)].filter((each) => each !== '200')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^(?:in-progress|already-used)$/)]),
    );
    expect((await world().counts()).lookup).toBe(before + 1);
  });

  it('for a call is used for no other arguments, no other tool, and not over HTTP', async () => {
    const payment = await payFor(world(), account, lookupByMcp);
    expect(outcome(await callRaw(world(), lookupByMcp, paid(payment)))).toBe('200');
    await runsNothing(async () => {
      const other = { ...lookupByMcp, arguments: { word: 'sea' } };
      expect(outcome(await callRaw(world(), other, paid(payment)))).toMatch(
        /^(?:conflict|already-used)$/,
      );
      const overHttp = await world().send(
        { path: '/tools/lookup?word=river' },
        { 'PAYMENT-SIGNATURE': base64Json(payment) },
      );
      expect(overHttp.status).toBe(409);
    });
  });

  it('that is bound to a call is refused for other arguments, another tool and over HTTP, and then pays for its call', async () => {
    const { intent: _intent, ...payment } = await payBound(world(), account, translateByMcp);
    await runsNothing(async () => {
      const other = { ...translateByMcp, arguments: { text: 'good night', to: 'fr' } };
      expect(outcome(await callRaw(world(), other, paid(payment)))).toBe('intent-mismatch');
      expect(outcome(await callRaw(world(), flaky({}), paid(payment)))).toBe(
        'requirement-mismatch',
      );
      const overHttp = await world().send(translate, { 'PAYMENT-SIGNATURE': base64Json(payment) });
      expect(overHttp.status).toBe(400);
      // Without its intent, the payment still has the mark of a bound payment, so every tool rejects it.
      const { extensions: _extensions, ...stripped } = payment;
      expect(outcome(await callRaw(world(), translateByMcp, paid(stripped)))).toBe(
        'binding-required',
      );
    });
    expect(outcome(await callRaw(world(), translateByMcp, paid(payment)))).toBe('200');
  });

  it('takes 1.0 and 1 for one number, because the JCS form is bound', async () => {
    const call = { name: 'flaky', arguments: { status: 200 } };
    const { intent: _intent, ...payment } = await payBound(world(), account, call);
    const text = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { ...call, _meta: paid(payment) },
    }).replace('"status":200', '"status":200.0');
    expect(text).toContain('"status":200.0');
    expect(outcome(await postRaw(world(), text))).toBe('200');
  });
});

describe('an ambiguous request', () => {
  let payment: PaymentPayload;
  beforeAll(async () => {
    payment = await payFor(world(), account, translateByMcp);
  });
  const bodyOf = (params: string): string =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"translate",${params},"_meta":${JSON.stringify(paid(payment))}}}`;

  it.each([
    ['a duplicate key', '"arguments":{"text":"a","to":"fr","text":"b"}'],
    ['__proto__', '"arguments":{"__proto__":{"text":"a"},"to":"fr"}'],
    ['a lone surrogate', '"arguments":{"text":"\\ud800","to":"fr"}'],
    ['an integer beyond a double', '"arguments":{"text":"a","n":9007199254740993}'],
    ['a fraction beyond a double', '"arguments":{"text":"a","n":0.1000000000000000055}'],
    ['an infinite number', '"arguments":{"text":"a","n":1e400}'],
    ['two names', '"arguments":{"text":"a"},"name":"report"'],
    ['arguments twice', '"arguments":{"text":"a"},"arguments":{"text":"b"}'],
  ])('with %s is refused', async (_fault, params) => {
    await runsNothing(async () => {
      const answer = await postRaw(world(), bodyOf(params));
      expect(answer).toMatchObject({ status: 400, error: { code: -32700 } });
    });
  });

  it('that is a batch is refused, with a payment in the headers or in a call', async () => {
    const call = bodyOf('"arguments":{"text":"a","to":"fr"}');
    await runsNothing(async () => {
      for (const headers of [{}, { 'PAYMENT-SIGNATURE': base64Json(payment) }]) {
        const answer = await postRaw(world(), `[${call},${call}]`, headers);
        expect(answer).toMatchObject({ status: 400, error: { code: -32600 } });
      }
    });
  });

  it('with two proofs is refused, wherever they are', async () => {
    const other = await payFor(world(), account, translateByMcp);
    const header = { 'PAYMENT-SIGNATURE': base64Json(other) };
    await runsNothing(async () => {
      const both = [
        await callRaw(world(), translateByMcp, paid(payment), header),
        await callRaw(world(), translateByMcp, { ...paid(payment), 'x402.payment': other }),
        await callRaw(world(), translateByMcp, {
          ...paid(payment),
          'countersign/intent': { v: 1 },
        }),
      ];
      expect(both.map(outcome)).toEqual(both.map(() => 'too-many-proofs'));
    });
  });

  it('leaves the payment unused: it pays for its call afterwards', async () => {
    expect(await isUsed(world(), payment)).toBe(false);
    expect(outcome(await callRaw(world(), translateByMcp, paid(payment)))).toBe('200');
  });
});

describe('a tool that fails', () => {
  it.each([
    [{ status: 500 }, undefined],
    [{ status: 404 }, undefined],
    [{ status: 302 }, 'upstream-redirect'],
    [{ status: 402 }, 'upstream-payment'],
    [{ drop: 1 }, 'upstream-dropped'],
    [{ truncate: 1 }, 'upstream-truncated'],
    [{ hang: 1 }, 'upstream-timeout'],
  ] as const)('by %o charges nothing, and the result explains it', async (given, problem) => {
    const payment = await payFor(world(), account, flaky(given));
    const answer = await callRaw(world(), flaky(given), paid(payment));
    expect(answer.result?.isError).toBe(true);
    if (problem !== undefined) expect(refusalIn(answer)).toBe(problem);
    expect(await receiptIn(world(), answer.result as CallResult)).toMatchObject({ charged: '0' });
    expect(answer.result?.content[0]?.text).toMatch(/charged nothing/);
    expect(await isUsed(world(), payment)).toBe(false);
  });
});

describe('a caller that disconnects', () => {
  it('does not end its call: the call is charged once, and its secret returns the answer', async () => {
    const { intent: _intent, ...payment } = await payBound(world(), account, lookupByMcp);
    const before = (await world().counts()).lookup;
    const aborter = new AbortController();
    const sent = fetch(endpointOf(world()), {
      method: 'POST',
      signal: aborter.signal,
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { ...lookupByMcp, _meta: paid(payment) },
      }),
    });
    setTimeout(() => aborter.abort(), 5);
    await expect(sent.then(async (answer) => await answer.text())).rejects.toThrow(/abort/);
    // Whether or not the call started before the client disconnected, this payment runs the tool once.
    await expect
      .poll(async () => outcome(await callRaw(world(), lookupByMcp, paid(payment))), {
        timeout: 30_000,
      })
      .toMatch(/^(?:200|already-used)$/);
    expect((await world().counts()).lookup).toBe(before + 1);
  });
});

describe('a page of another origin', () => {
  it('is refused', async () => {
    await runsNothing(async () => {
      const foreign = await callRaw(
        world(),
        translateByMcp,
        {},
        { Origin: 'https://evil.example' },
      );
      expect(foreign.status).toBe(403);
    });
    const own = new URL(endpointOf(world())).origin;
    const same = await callRaw(world(), translateByMcp, {}, { Origin: own });
    expect(same.status).toBe(200);
  });

  it('gets neither a stream nor a session', async () => {
    for (const method of ['GET', 'DELETE']) {
      const answer = await fetch(endpointOf(world()), { method });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    }
  });
});

describe('a dry run', () => {
  it('returns the verdict, and the payment stays unused', async () => {
    const payment = await payFor(world(), account, translateByMcp);
    await runsNothing(async () => {
      const meta = { ...paid(payment), 'countersign/dry-run': true };
      const { result } = await callRaw(world(), translateByMcp, meta);
      expect(result?.structuredContent).toMatchObject({
        dry_run: true,
        price: '20000',
        charged: '0',
      });
    });
    expect(await isUsed(world(), payment)).toBe(false);
  });
});
