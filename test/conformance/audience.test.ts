import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../dev/stack/loopback.ts';
import { type Bound, bind, bound, boundField, signBound } from './support/bound.ts';
import { creditedAccount } from './support/credit.ts';
import { agentIntent, paidIntentFor, signIntent, signPaidIntent } from './support/intent.ts';
import { decode, kindOf, type Offered, type Problem } from './support/offer.ts';
import { trustedAccount } from './support/payment.ts';
import { type RawAnswer, sendRaw } from './support/raw.ts';
import { verify } from './support/receipt.ts';
import type { HeaderLine } from './support/refusal.ts';
import { type ToolCall, translate, useWorld, whoami } from './support/world.ts';

const port = await freePort();
const FIRST = `http://127.0.0.1:${port}`;
const SECOND = 'http://second.example';
// One gateway with two audiences. An intent names exactly one. For a Host header that names neither, the gateway uses the first.
const world = useWorld({ port, variables: { AUDIENCES: `${FIRST},${SECOND}` } });

let payer: LocalAccount;
let creditHolder: LocalAccount;
beforeAll(async () => {
  payer = await trustedAccount(world(), { reports: 4, balance: 1_000_000n });
  creditHolder = await creditedAccount(world(), { credit: 1_000_000n, balance: 0n });
});

/** Sends a call with another Host header. */
const sendAs = async (
  host: string,
  call: ToolCall,
  headers: readonly HeaderLine[] = [],
): Promise<RawAnswer> =>
  await sendRaw(FIRST, {
    path: call.path,
    method: call.method ?? 'GET',
    headers: [
      ['Host', host],
      ...(call.contentType === undefined ? [] : [['Content-Type', call.contentType] as const]),
      ...(call.body === undefined
        ? []
        : [['Content-Length', String(Buffer.from(call.body).byteLength)] as const]),
      ...headers,
    ],
    ...(call.body === undefined ? {} : { body: call.body }),
  });

const HOSTS = [
  { host: `127.0.0.1:${port}`, audience: FIRST, other: SECOND },
  { host: 'second.example', audience: SECOND, other: FIRST },
  { host: 'evil.example', audience: FIRST, other: 'http://evil.example' },
];

describe.each(HOSTS)('a request to $host', ({ host, audience, other }) => {
  it('gets 402 and 401 that name the audience to sign for', async () => {
    const offered = await sendAs(host, translate);
    const { resource, extensions } = decode(offered.headers['payment-required'] ?? '') as Offered;
    expect(offered.status).toBe(402);
    expect(new URL(resource.url).origin).toBe(audience);
    expect(extensions).toMatchObject({
      'agent-intent': { info: { audience } },
      'agent-credit': { info: { topUp: `${audience}/credits` } },
    });
    expect((JSON.parse(offered.text) as { credit: { top_up: string } }).credit.top_up).toContain(
      `${audience}/credits?`,
    );
    const challenge = await sendAs(host, whoami);
    expect([challenge.status, challenge.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining(`audience="${audience}"`),
    ]);
    expect(JSON.parse(challenge.text)).toMatchObject({
      intent: { audience },
      docs: `${audience}/.well-known/agent-intent`,
    });
    const page = await sendAs(host, { path: '/.well-known/agent-intent' });
    expect(JSON.parse(page.text)).toMatchObject({ audience });
  });

  it('serves payments and intents signed for that audience, and the receipt names it', async () => {
    const payment: Bound = await bind(world(), payer, translate, { audience });
    const credit = await signPaidIntent(world(), creditHolder, translate, { audience });
    const free = await signIntent(world(), creditHolder, whoami, { audience });
    for (const [call, headers] of [
      [translate, bound(payment)],
      [translate, agentIntent(credit)],
      [whoami, agentIntent(free)],
    ] as const) {
      const answer = await sendAs(host, call, Object.entries(headers));
      expect(answer.status, answer.text).toBe(200);
      expect(
        await verify(world(), answer.headers['agent-receipt'] ?? '', 'agent-receipt+jwt'),
      ).toMatchObject({ iss: audience });
    }
  });

  it('rejects payments and intents signed for another audience', async () => {
    const intent = await paidIntentFor(world(), payer.address, translate, { audience: other });
    const payment = await signBound(world(), payer, translate, intent);
    const credit = await signPaidIntent(world(), creditHolder, translate, { audience: other });
    const free = await signIntent(world(), creditHolder, whoami, { audience: other });
    const before = await world().counts();
    for (const [call, headers, field] of [
      [translate, bound(payment), boundField('audience')],
      [translate, agentIntent(credit), 'Agent-Intent.intent.audience'],
      [whoami, agentIntent(free), 'Agent-Intent.intent.audience'],
    ] as const) {
      const answer = await sendAs(host, call, Object.entries(headers));
      const problem = JSON.parse(answer.text) as Problem;
      expect([answer.status, kindOf(problem), problem.field]).toEqual([
        400,
        'intent-mismatch',
        field,
      ]);
      expect([problem['expected'], problem['got']]).toEqual([audience, other]);
    }
    expect(await world().counts()).toEqual(before);
  });
});

describe('a payment that was used under one audience', () => {
  it('gets no answer under the other', async () => {
    const payment = await bind(world(), payer, translate, { audience: FIRST });
    const [first, second] = HOSTS;
    const mine = await sendAs(first?.host ?? '', translate, Object.entries(bound(payment)));
    expect(mine.status, mine.text).toBe(200);
    const moved = await sendAs(second?.host ?? '', translate, Object.entries(bound(payment)));
    expect(moved.status).toBe(400);
    expect(moved.text).not.toContain('bonjour');
  });
});
