import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Hex } from '../../../src/core/hex.ts';
import { call } from '../../../src/gateway/call.ts';
import { encodeRetryKey, newRetrySecret } from '../../../src/protocol/intent/retry-key.ts';
import { identifierDigest } from '../../../src/protocol/x402/extensions.ts';
import vectors from '../../vectors/countersign-v1.json';
import { observe } from './fixture.ts';
import {
  decoded,
  claimsOf,
  ENTRY,
  KEY_ACCOUNT,
  network,
  POLICY,
  scriptedGateway,
} from './scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  oldPaymentHeader,
  paying,
  paymentHeader,
  paymentOf,
  search,
  signIntent,
  translate,
  vectorConfig,
  type Who,
} from './signing.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';

const { header: KEY, nonce, secret } = vectors.retry;
const NONCE = nonce as Hex;
const IDENTIFIER = 'order-0123456789abcdef';

const config = vectorConfig([translate, search]);
const PATH = '/tools/translate';

useVectorsClock();
afterEach(() => {
  vi.restoreAllMocks();
});

const requestOf = (headers: HeadersInit = {}) =>
  new Request(`https://gw.example${PATH}`, { method: 'POST', headers });

const intentOf = async (committed: Hex = NONCE) => {
  const seen = await observe(requestOf(), config);
  if (!seen.ok) throw new Error(seen.error.reason);
  return intentFor(seen.value.received, { ...paying(20_000n), nonce: committed });
};

/** The two forms in which a request carries an intent. */
const PROOFS = [
  [
    'Agent-Intent',
    async (committed?: Hex) => intentHeader(await signIntent(await intentOf(committed))),
  ],
  [
    'a bound payment',
    async (committed?: Hex) =>
      paymentHeader(await paymentOf({ intent: await intentOf(committed) })),
  ],
] as const;

const named = async (identifier: string, who: Who = 'agent') => ({
  ...(await paymentOf({ who })),
  extensions: { 'payment-identifier': { info: { id: identifier } } },
});

const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

/** Sends headers. Returns the answer and the requests to the account. */
const send = async (headers: HeadersInit, answers: Parameters<typeof scriptedGateway>[1] = {}) => {
  const { sent, rpc } = network(KEY_ACCOUNT);
  const { gateway, asked } = await scriptedGateway(config, answers);
  const answer = await call(gateway, requestOf(headers));
  const reserved = asked.flatMap((each) => (each.asked === 'reserve' ? [each.call] : []));
  return { answer, asked, reserved, sent, rpc };
};

describe.each(PROOFS)('Agent-Retry-Key with %s', (_, proof) => {
  it('tells the account that the secret was presented, never the secret', async () => {
    const { answer, reserved } = await send({ ...(await proof()), 'Agent-Retry-Key': KEY });
    expect(answer.status).toBe(200);
    expect(reserved).toMatchObject([{ showsSecret: true }]);
    const told = JSON.stringify(reserved, (__, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
    expect(told).not.toContain(KEY);
    expect(told).not.toContain(secret.slice(2));
  });

  it('is optional for a first request', async () => {
    const { answer, reserved } = await send(await proof());
    expect(answer.status).toBe(200);
    expect(reserved[0]?.showsSecret).toBeUndefined();
  });

  const other = encodeRetryKey(newRetrySecret());
  it.each([
    ...Object.entries(vectors.mustFail.retrySecrets),
    ['of another call', other],
    ['empty', ''],
    ['with a space inside', `${KEY.slice(0, 20)} ${KEY.slice(20)}`],
  ])('is refused before the account is asked: %s', async (__, wrong) => {
    const { answer, asked, sent, rpc } = await send({
      ...(await proof()),
      'Agent-Retry-Key': wrong,
    });
    expect(answer.status).toBe(400);
    const problem = await bodyOf(answer);
    expect(problem).toMatchObject({ field: 'Agent-Retry-Key' });
    expect([
      'urn:countersign:problem:malformed-header',
      'urn:countersign:problem:retry-key-mismatch',
    ]).toContain(problem['type']);
    if (wrong.length > 8) expect(JSON.stringify(problem)).not.toContain(wrong.slice(0, 8));
    expect([asked, sent, rpc]).toEqual([[], [], []]);
  });

  it('is rejected if repeated, even if both are right', async () => {
    const headers = new Headers(await proof());
    headers.append('Agent-Retry-Key', KEY);
    headers.append('Agent-Retry-Key', KEY);
    const { answer, asked } = await send(headers);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:duplicate-header',
      status: 400,
    });
    expect(asked).toEqual([]);
  });

  it('is rejected if the nonce is the secret itself instead of its commitment', async () => {
    const headers = { ...(await proof(secret as Hex)), 'Agent-Retry-Key': KEY };
    const { answer, asked } = await send(headers);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:retry-key-mismatch',
      hint: expect.stringContaining('GET /calls/'),
    });
    expect(asked).toEqual([]);
  });
});

describe('Agent-Retry-Key without an intent', () => {
  it.each([
    ['no proof', async () => ({})],
    ['a plain payment', async () => paymentHeader(await paymentOf())],
    ['a plain payment of version 1', async () => oldPaymentHeader(await paymentOf())],
  ])('is refused: %s', async (_, proof) => {
    const { answer, asked } = await send({ ...(await proof()), 'Agent-Retry-Key': KEY });
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:retry-key-mismatch',
      status: 400,
      field: 'Agent-Retry-Key',
    });
    expect(asked).toEqual([]);
  });
});

describe('payment-identifier', () => {
  it('reaches the account as a digest over the payer, the same for each of its signatures', async () => {
    const told = [];
    for (const who of ['agent', 'agent', 'owner'] as const) {
      const { reserved } = await send(paymentHeader(await named(IDENTIFIER, who)));
      told.push(...reserved);
    }
    const [one, again, other] = told;
    expect(one?.identifier).toBe(
      identifierDigest(`eip155:84532:${addressOf('agent')}`, IDENTIFIER),
    );
    expect(again?.identifier).toBe(one?.identifier);
    expect(again?.id).not.toBe(one?.id);
    expect(other?.identifier).not.toBe(one?.identifier);
    const { reserved } = await send(paymentHeader(await named(`${IDENTIFIER}0`)));
    expect(reserved[0]?.identifier).not.toBe(one?.identifier);
  });

  it('is ignored on a bound payment, which has a retry key', async () => {
    const bound = await paymentOf({ intent: await intentOf() });
    const extensions = {
      ...bound.extensions,
      'payment-identifier': { info: { id: IDENTIFIER } },
    };
    const { answer, reserved } = await send(paymentHeader({ ...bound, extensions }));
    expect(answer.status).toBe(200);
    expect(reserved[0]).toMatchObject({ binding: 'intent' });
    expect(reserved[0]?.identifier).toBeUndefined();
  });

  it('that was used returns the first call: receipt and payment name it', async () => {
    const first: Hex = `0x${'f1'.repeat(32)}`;
    const payment = await named(IDENTIFIER);
    const { answer, sent } = await send(paymentHeader(payment), {
      reserve: async () => ({
        verdict: 'stored',
        answer: { status: 200, headers: {}, body: btoa('bonjour') },
        charged: 15_000n,
        price: 15_000n,
        paidFrom: 'payment',
        payment: 'settled',
        transaction: `0x${'77'.repeat(32)}`,
        binding: 'none',
        entry: ENTRY,
        policy: POLICY,
        call: first,
      }),
    });
    expect([answer.status, await answer.text(), sent]).toEqual([200, 'bonjour', []]);
    expect(claimsOf(answer.headers.get('Agent-Receipt'))).toMatchObject({
      call: first,
      charged: '15000',
    });
    expect(decoded(answer.headers.get('PAYMENT-RESPONSE'))).toMatchObject({
      amount: '15000',
      extra: { payment: first },
    });
  });

  it.each(['in_progress', 'conflict', 'already_used'] as const)(
    'that was used is rejected with the id of the first call: %s',
    async (verdict) => {
      const first: Hex = `0x${'f1'.repeat(32)}`;
      const { answer, sent } = await send(paymentHeader(await named(IDENTIFIER)), {
        reserve: async () => ({ verdict, retryAfter: 1, call: first }),
      });
      expect(answer.status).toBe(409);
      expect(await bodyOf(answer)).toMatchObject({ call: first });
      expect(sent).toEqual([]);
    },
  );
});

describe('the secret and the identifier', () => {
  const SILENT = ['log', 'info', 'warn', 'error', 'debug'] as const;

  it.each([
    [
      'retry key',
      async () => ({ ...(await PROOFS[1][1]()), 'Agent-Retry-Key': KEY }),
      [KEY, secret.slice(2)],
    ],
    ['payment-identifier', async () => paymentHeader(await named(IDENTIFIER)), [IDENTIFIER]],
  ] as const)('reach no upstream, answer or console: %s', async (_, proof, texts) => {
    const written: string[] = [];
    for (const level of SILENT)
      vi.spyOn(console, level).mockImplementation((...all: unknown[]) => {
        written.push(JSON.stringify(all));
      });
    const headers = await proof();
    const { answer, sent } = await send(headers);
    expect(answer.status).toBe(200);
    const broken = await send(headers, {
      reserve: () => {
        throw new Error('overloaded');
      },
    });
    expect(broken.answer.status).toBe(503);
    expect(written.join('\n')).toContain('reserve_failed');
    const lost = await send(headers, { finish: async () => ({ verdict: 'unavailable' }) });
    expect(lost.answer.status).toBe(503);

    expect(sent).toHaveLength(1);
    const left = [
      ...sent.map(({ url, headers: forwarded }) => `${url} ${JSON.stringify([...forwarded])}`),
      ...[answer, broken.answer, lost.answer].map(({ headers: told }) => JSON.stringify([...told])),
      await broken.answer.text(),
      await lost.answer.text(),
      ...written,
    ].join('\n');
    for (const text of texts) expect(left).not.toContain(text);
  });
});
