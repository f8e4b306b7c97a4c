import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { call } from '../../../src/gateway/call.ts';
import { lookUp } from '../../../src/gateway/account-api/look-ups.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import { parseXPayment } from '../../../src/protocol/x402/payment-payload.ts';
import { checkPayment } from '../../../src/gateway/check.ts';
import { observe } from './fixture.ts';
import { KEY_ACCOUNT, network, scriptedGateway } from './scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  NETWORK,
  NOW,
  oldPaymentHeader,
  PAY_TO,
  paying,
  paymentHeader,
  paymentOf,
  signIntent,
  translate,
  vectorConfig,
} from './signing.ts';

const NEW = addressOf('owner');
const BASE = 'eip155:8453';
const FIELD = 'PAYMENT-SIGNATURE.payload.authorization.to';

/** A configuration with a new payee: `PAY_TO` of the vectors is a former one. */
const moved: Config = {
  ...vectorConfig(),
  payTo: new Map([[NETWORK, NEW]]),
  payees: new Map([[NETWORK, [NEW, PAY_TO]]]),
};
/** A configuration that sells on another network only. */
const closing: Config = {
  ...vectorConfig(),
  networks: [BASE],
  payTo: new Map([[BASE, NEW]]),
  payees: new Map([
    [BASE, [NEW]],
    [NETWORK, [PAY_TO]],
  ]),
};

beforeEach(() => {
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const URL = 'https://gw.example/tools/translate';
const requestOf = (headers: Record<string, string> = {}) =>
  new Request(URL, { method: 'POST', headers });
const received = async () => {
  const seen = await observe(requestOf(), vectorConfig());
  if (!seen.ok) throw new Error(seen.error.reason);
  return seen.value.received;
};
const byPayment = async () => requestOf(paymentHeader(await paymentOf()));
const byBoundPayment = async () =>
  requestOf(
    paymentHeader(await paymentOf({ intent: intentFor(await received(), paying(20_000n)) })),
  );
const byCredit = async () =>
  requestOf(intentHeader(await signIntent(intentFor(await received(), paying(20_000n)))));

/** Sends a request to an account that answers with this verdict. */
const sendTo = async (config: Config, request: Request, verdict: ReserveVerdict) => {
  const { sent } = network(KEY_ACCOUNT);
  const { gateway, asked, rateLimited } = await scriptedGateway(config, {
    reserve: async () => verdict,
  });
  const answer = await call(gateway, request);
  return { answer, sent, asked, rateLimited };
};

const UNKNOWN: ReserveVerdict = { verdict: 'expired' };
const RUNNING: ReserveVerdict = { verdict: 'in_progress', retryAfter: 3 };

describe.each([
  ['a payee that has changed', moved, NEW],
  ['a network that sells nothing any more', closing, `a payee on ${BASE}`],
])('a proof for %s', (_, config, expected) => {
  it.each([
    ['a payment', byPayment, FIELD],
    ['a bound payment', byBoundPayment, FIELD],
    ['an intent that pays from credit', byCredit, 'Agent-Intent.intent.payTo'],
  ])('starts no call and is never 402: %s', async (_kind, request, field) => {
    const { answer, sent, asked, rateLimited } = await sendTo(config, await request(), UNKNOWN);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      type: 'urn:countersign:problem:recipient-mismatch',
      ...{ field, expected, got: PAY_TO },
    });
    // After the rate limit of repeats, the account decides whether it knows the call.
    expect(asked).toMatchObject([{ asked: 'reserve', call: { former: true, execute: true } }]);
    expect(rateLimited).not.toEqual([]);
    expect(sent).toEqual([]);
  });

  it.each([
    ['a payment', byPayment],
    ['a bound payment', byBoundPayment],
    ['an intent that pays from credit', byCredit],
  ])('repeats a call that the account knows: %s', async (_kind, request) => {
    const { answer } = await sendTo(config, await request(), RUNNING);
    expect(answer.status).toBe(409);
    expect(answer.headers.get('Retry-After')).toBe('3');
  });

  it('offers the new payee only', async () => {
    const { gateway } = await scriptedGateway(config);
    const answer = await call(gateway, requestOf());
    const { accepts } = await answer.json<{ accepts: { payTo: string }[] }>();
    expect(answer.status).toBe(402);
    expect(accepts.map(({ payTo }) => payTo.toLowerCase())).toEqual([NEW]);
  });
});

it('rejects a payment that a payee signed, current or former, on any network', async () => {
  const payees: Config['payees'] = new Map([
    [NETWORK, [PAY_TO, NEW]],
    [BASE, [NEW, addressOf('agent')]],
  ]);
  const config: Config = { ...vectorConfig(), payees };
  const old = requestOf(oldPaymentHeader(await paymentOf()));
  for (const request of [await byPayment(), await byBoundPayment(), old]) {
    const { answer, asked } = await sendTo(config, request, { verdict: 'busy' } as never);
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      {
        type: 'urn:countersign:problem:wrong-payer',
        field: expect.stringMatching(/\.payload\.authorization\.from$/) as string,
        got: addressOf('agent'),
      },
    ]);
    expect(asked).toEqual([]);
  }
});

describe('a payee that was never configured', () => {
  it('gets no payment, not even a repeat', async () => {
    const stray = await paymentOf({ to: `0x${'ee'.repeat(20)}` });
    const { answer, asked } = await sendTo(moved, requestOf(paymentHeader(stray)), RUNNING);
    expect([answer.status, asked]).toEqual([400, []]);
  });
});

describe('a version 1 payment, which names no offer', () => {
  it('is recognised by its recipient', async () => {
    const old = parseXPayment(oldPaymentHeader(await paymentOf())['X-PAYMENT']);
    if (!old.ok) throw new Error('is a payment');
    expect(checkPayment(moved, translate, await received(), old.value, NOW)).toMatchObject({
      ok: true,
      value: { payTo: PAY_TO, former: { reason: 'recipient_mismatch' } },
    });
  });
});

describe('a request without money on a network that sells nothing any more', () => {
  const id = `0x${'5d'.repeat(32)}`;
  const intent = {
    agent: addressOf('agent'),
    audience: 'https://gw.example',
    ...{ tool: 'countersign.calls', method: 'GET', target: `/calls/${id}`, contentType: '' },
    payloadDigest: '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  } as const;
  const look = async (config: Config, headers: Record<string, string>) => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config, {
      lookUp: async () => ({ verdict: 'unknown_call' }),
    });
    return lookUp(gateway, new Request(`https://gw.example/calls/${id}`, { headers }));
  };

  it('is served: an agent finds out what became of its call', async () => {
    const signed = await signIntent(intentFor(intent));
    expect((await look(closing, intentHeader(signed))).status).toBe(404);
    const gone = { ...closing, payees: new Map([[BASE, [NEW]]]) } as Config;
    expect((await look(gone, intentHeader(signed))).status).toBe(400);
  });

  it('is invited by the challenge, after the networks that sell', async () => {
    const challenge = await look(closing, {});
    expect(challenge.status).toBe(401);
    expect(challenge.headers.get('WWW-Authenticate')).toContain(`chains="${BASE} ${NETWORK}"`);
  });

  it('buys nothing: an intent with any other payee is for an unsupported network', async () => {
    const other = { ...paying(20_000n), payTo: NEW };
    const signed = await signIntent(intentFor(await received(), other));
    const { answer, asked } = await sendTo(closing, requestOf(intentHeader(signed)), RUNNING);
    expect(await answer.json()).toMatchObject({
      type: 'urn:countersign:problem:unsupported-network',
    });
    expect(asked).toEqual([]);
  });
});
