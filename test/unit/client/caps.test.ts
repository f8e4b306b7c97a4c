import { describe, expect, it } from 'vitest';
import { CountersignError, createAgent, type ErrorCode } from '../../../src/client/index.ts';
import type { Signer } from '../../../src/client/signer.ts';
import { createBudget } from '../../../src/client/budget.ts';
import {
  account,
  agentOf,
  base64Json,
  BASE_SEPOLIA,
  binding,
  entry,
  entry1,
  GATEWAY,
  offer,
  offer1,
  PAY_TO,
  scripted,
  URL_OF_TOOL,
  USDC,
  type Step,
} from './server.ts';

const OTHER = `0x${'77'.repeat(20)}`;

/** An account that counts its signatures. */
const counting = () => {
  let signed = 0;
  const signer: Signer = {
    address: account.address,
    signTypedData: async (data) => {
      signed += 1;
      return await account.signTypedData(data as never);
    },
  };
  return { signer, count: () => signed };
};

const failing = async (promise: Promise<unknown>): Promise<CountersignError> => {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof CountersignError))
    throw new Error(`no CountersignError: ${String(error)}`);
  expect(error.hint.length).toBeGreaterThan(10);
  return error;
};

describe('an agent pays no malicious 402', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, unknown>>, ErrorCode])[] = [
    ['a higher price', { amount: '50001' }, 'over_per_call'],
    ['an enormous price', { amount: '9'.repeat(60) }, 'over_per_call'],
    ['another payee', { payTo: OTHER }, 'payee_not_allowed'],
    ['another asset', { asset: OTHER }, 'asset_not_allowed'],
    ['another chain', { network: 'eip155:8453' }, 'asset_not_allowed'],
    ['an unknown chain', { network: 'eip155:999999' }, 'network_unsupported'],
    ['a chain that is no EVM', { network: 'solana:5eykt4' }, 'network_unsupported'],
    ['another scheme', { scheme: 'upto' }, 'scheme_unsupported'],
    ['another domain name', { extra: { name: 'USD Coin', version: '2' } }, 'token_mismatch'],
    ['another domain version', { extra: { name: 'USDC', version: '1' } }, 'token_mismatch'],
    ['Permit2', { extra: { assetTransferMethod: 'permit2' } }, 'flow_unsupported'],
    ['an unknown flow', { extra: { paymentFlow: 'trust-me' } }, 'flow_unsupported'],
  ];
  it.each(cases)('%s', async (_, more, code) => {
    const { signer, count } = counting();
    const server = scripted(() => offer([entry(more)]));
    const agent = agentOf(server, {
      account: signer,
      spend: { perCall: '$0.05', total: '$1', assets: [USDC], payees: [PAY_TO] },
    });
    const error = await failing(agent.fetch(URL_OF_TOOL));
    expect(error.code).toBe(code);
    expect(error.response?.status).toBe(402);
    expect(count()).toBe(0);
    expect(server.arrived).toHaveLength(1);
    expect(agent.spending()).toEqual({ signed: 0n, charged: 0n, remaining: 1_000_000n });
  });

  it('in another token than the pinned one, also where the caller named no assets', async () => {
    const { signer, count } = counting();
    const agent = agentOf(
      scripted(() => offer([entry({ asset: OTHER })])),
      { account: signer },
    );
    expect((await failing(agent.fetch(URL_OF_TOOL))).code).toBe('asset_not_allowed');
    expect(count()).toBe(0);
  });

  it('reports the amounts of the entry that came closest', async () => {
    const server = scripted(() =>
      offer([entry({ scheme: 'upto' }), entry({ amount: '60000' }), entry({ payTo: OTHER })]),
    );
    const agent = agentOf(server, {
      spend: { perCall: '$0.05', total: '$1', payees: [PAY_TO] },
    });
    const error = await failing(agent.fetch(URL_OF_TOOL));
    expect(error.code).toBe('over_per_call');
    expect(error.message).toContain('$0.06');
    expect(error.message).toContain('$0.05');
    expect(error.offer?.amount).toBe(60_000n);
  });

  it('pays the first entry that passes its rules, not the first entry', async () => {
    const server = scripted(
      () => offer([entry({ amount: '60000' }), entry({ scheme: 'upto' }), entry({ amount: '7' })]),
      () => new Response('ok'),
    );
    const agent = agentOf(server);
    await agent.fetch(URL_OF_TOOL);
    expect(agent.spending().signed).toBe(7n);
  });

  const header = (value: string): Step => {
    return () => new Response('{}', { status: 402, headers: { 'PAYMENT-REQUIRED': value } });
  };
  const body2 = (more: Readonly<Record<string, unknown>>): Step =>
    header(base64Json({ x402Version: 2, resource: {}, accepts: [entry()], ...more }));
  const malformed: readonly (readonly [string, Step, ErrorCode, string])[] = [
    [
      'a huge header',
      body2({ resource: { url: 'x'.repeat(13_000) } }),
      'offer_malformed',
      'PAYMENT-REQUIRED',
    ],
    ['no base64', header('%%%'), 'offer_malformed', 'PAYMENT-REQUIRED'],
    ['no JSON', header('AAAA'), 'offer_malformed', 'PAYMENT-REQUIRED'],
    [
      'a deep resource',
      body2({ resource: JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) as unknown }),
      'offer_malformed',
      'PAYMENT-REQUIRED',
    ],
    ['another version', body2({ x402Version: 3 }), 'offer_malformed', 'x402Version'],
    ['no entries', body2({ accepts: [] }), 'offer_malformed', 'accepts'],
    ['too many entries', body2({ accepts: Array(33).fill(entry()) }), 'offer_malformed', 'accepts'],
    [
      'a number as amount',
      body2({ accepts: [entry({ amount: 20000 })] }),
      'offer_malformed',
      'accepts.0.amount',
    ],
    [
      'a hex amount',
      body2({ accepts: [entry({ amount: '0x10' })] }),
      'offer_malformed',
      'accepts.0.amount',
    ],
    [
      'a negative amount',
      body2({ accepts: [entry({ amount: '-1' })] }),
      'offer_malformed',
      'accepts.0.amount',
    ],
    [
      'a fractional timeout',
      body2({ accepts: [entry({ maxTimeoutSeconds: 1.5 })] }),
      'offer_malformed',
      'accepts.0.maxTimeoutSeconds',
    ],
    [
      'a malformed payee',
      body2({ accepts: [entry({ payTo: 'merchant' })] }),
      'offer_malformed',
      'accepts.0.payTo',
    ],
    ['no offer at all', () => new Response('pay!', { status: 402 }), 'offer_missing', 'x402'],
    [
      'a huge body',
      () => offer1([entry1({ description: 'x'.repeat(70_000) })]),
      'offer_missing',
      'x402',
    ],
    [
      'a malformed body',
      () => offer1([entry1({ maxAmountRequired: '1e3' })]),
      'offer_malformed',
      'body.accepts.0.maxAmountRequired',
    ],
  ];
  it.each(malformed)('%s', async (_, step, code, field) => {
    const { signer, count } = counting();
    const server = scripted(step);
    const error = await failing(agentOf(server, { account: signer }).fetch(URL_OF_TOOL));
    expect(error.code).toBe(code);
    expect(error.message).toContain(field);
    expect(count()).toBe(0);
  });

  it('from the target of a redirect', async () => {
    const moved = (status: number): Response => {
      const answer = status === 402 ? offer() : new Response('', { status });
      if (status === 401) {
        answer.headers.set(
          'WWW-Authenticate',
          `AgentIntent audience="${GATEWAY}", chains="${BASE_SEPOLIA}", tool="x"`,
        );
      }
      Object.defineProperty(answer, 'redirected', { value: true });
      Object.defineProperty(answer, 'url', { value: 'https://evil.example/' });
      return answer;
    };
    for (const status of [402, 401]) {
      const { signer, count } = counting();
      const error = await failing(
        agentOf(
          scripted(() => moved(status)),
          { account: signer },
        ).fetch(URL_OF_TOOL),
      );
      expect([error.code, error.response?.url, count()]).toEqual([
        'redirected',
        'https://evil.example/',
        0,
      ]);
    }
    const fine = await agentOf(scripted(() => moved(200))).fetch(URL_OF_TOOL);
    expect(fine.status).toBe(200);
  });

  it.each([301, 302, 307, 308])('with a %i that redirects the signed request', async (status) => {
    const server = scripted(
      () => offer(),
      () => new Response(null, { status, headers: { Location: 'https://evil.example/' } }),
    );
    const error = await failing(agentOf(server).fetch(URL_OF_TOOL));
    expect(error.code).toBe('redirected');
    expect(error.call).toMatch(/^0x[0-9a-f]{64}$/);
    expect(server.arrived).toHaveLength(2);
  });

  it.each([
    ['of version 2', () => offer()],
    ['of version 1', () => offer1()],
  ])('that repeats: a loop of 402s %s ends after one signature', async (_, step) => {
    const { signer, count } = counting();
    const server = scripted(step, step, step, step);
    const agent = agentOf(server, { account: signer });
    const error = await failing(agent.fetch(URL_OF_TOOL));
    expect(error.code).toBe('payment_refused');
    expect(error.message).toMatch(/required/);
    expect([count(), server.arrived.length]).toEqual([1, 2]);
    expect(agent.spending()).toEqual({ signed: 20_000n, charged: 0n, remaining: 980_000n });
  });

  it('reports the reason of the server in printable characters', async () => {
    const failed = {
      success: false,
      errorReason: 'insufficient_funds\u0007',
      transaction: '',
      network: BASE_SEPOLIA,
    };
    const server = scripted(
      () => offer(),
      () =>
        new Response('{}', { status: 402, headers: { 'PAYMENT-RESPONSE': base64Json(failed) } }),
    );
    const error = await failing(agentOf(server).fetch(URL_OF_TOOL));
    expect(error.message).toContain('insufficient_funds?');
  });

  it('after a success: the client signs nothing for a paid call', async () => {
    const { signer, count } = counting();
    const server = scripted(
      () => offer(),
      () => new Response('ok', { headers: { 'PAYMENT-REQUIRED': 'AAAA' } }),
    );
    const answer = await agentOf(server, { account: signer }).fetch(URL_OF_TOOL);
    expect([await answer.text(), count(), server.arrived.length]).toEqual(['ok', 1, 2]);
  });
});

describe('the total', () => {
  const serve: Step = ({ headers }) =>
    headers.has('PAYMENT-SIGNATURE') ? new Response('ok') : offer();

  it('holds for parallel calls', async () => {
    const { signer, count } = counting();
    const server = scripted(...Array<Step>(40).fill(serve));
    const agent = agentOf(server, {
      account: signer,
      spend: { perCall: '$0.05', total: 50_000n },
    });
    const ended = await Promise.allSettled(
      Array.from({ length: 20 }, async () => await agent.fetch(URL_OF_TOOL)),
    );
    expect(ended.filter((each) => each.status === 'fulfilled')).toHaveLength(2);
    for (const each of ended) {
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'over_total' });
    }
    expect(count()).toBe(2);
    expect(agent.spending()).toEqual({ signed: 40_000n, charged: 40_000n, remaining: 10_000n });
  });

  it('counts signed amounts, also where the server states that it charged nothing', async () => {
    const server = scripted(
      () => offer(),
      () => new Response('no', { status: 500 }),
    );
    const agent = agentOf(server);
    const answer = await agent.fetch(URL_OF_TOOL);
    expect([answer.status, answer.countersign.charged]).toEqual([500, 0n]);
    expect(agent.spending()).toEqual({ signed: 20_000n, charged: 0n, remaining: 980_000n });
  });

  it('returns an amount where the client sent nothing', async () => {
    const broken: Signer = {
      address: account.address,
      signTypedData: async () => await Promise.reject(new Error('locked')),
    };
    const options = [
      [{ account: broken }, 'signer_failed'],
      [{ hooks: { onOffer: () => false } }, 'vetoed'],
      [
        {
          hooks: {
            onOffer: () => {
              throw new Error('no');
            },
          },
        },
        'vetoed',
      ],
      [{ hooks: { onSign: async () => await Promise.reject(new Error('no')) } }, 'vetoed'],
    ] as const;
    for (const [more, code] of options) {
      const server = scripted(() => offer());
      const agent = agentOf(server, more);
      const error = await failing(agent.fetch(URL_OF_TOOL));
      expect(error.code).toBe(code);
      expect(server.arrived).toHaveLength(1);
      expect(agent.spending().signed).toBe(0n);
    }
  });

  it('never falls below zero when an amount is returned twice', () => {
    const budget = createBudget(10n);
    const held = budget.takePayment(10n);
    if (!held.ok) throw new Error('not held');
    expect(budget.takePayment(1n)).toEqual({ ok: false, error: { remaining: 0n } });
    held.value.giveBack();
    held.value.giveBack();
    expect(budget.spending()).toEqual({ signed: 0n, charged: 0n, remaining: 10n });
  });
});

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

describe('options', () => {
  it.each([
    ['spend.perCall', { spend: { perCall: '0.05', total: '$1' } }],
    ['spend.perCall', { spend: { perCall: '50000', total: '$1' } }],
    ['spend.perCall', { spend: { perCall: 0.05 as never, total: '$1' } }],
    ['spend.total', { spend: { perCall: 1n, total: -1n } }],
    ['spend.assets', { spend: { perCall: 1n, total: 1n, assets: ['eip155:1/erc20:0x00'] } }],
    ['spend.payees', { spend: { perCall: 1n, total: 1n, payees: ['0x12'] } }],
    ['audiences', { audiences: ['gw.example'] }],
    ['retries', { retries: -1 }],
    ['timeoutSeconds', { timeoutSeconds: 0 }],
  ])('rejects an invalid %s and names it', (name, more) => {
    expect(() => agentOf(scripted(), more)).toThrow(name);
  });

  it('show both forms of an amount where it is malformed', () => {
    const make = () => agentOf(scripted(), { spend: { perCall: '15', total: '$1' } });
    expect(make).toThrow(/"\$0\.02".*"20000u"/);
  });

  it.each<[string, object, RegExp]>([
    ['no spend', {}, /lack spend\.perCall and spend\.total/],
    ['no total', { spend: { perCall: '$0.05' } }, /lack spend\.total/],
    ['no cap per call', { spend: { total: '$1' } }, /lack spend\.perCall/],
  ])('with %s throw an error that shows the missing option', (_, options, message) => {
    const make = () => createAgent({ account, ...options } as never);
    expect(make).toThrow(message);
    expect(make).toThrow(
      expect.objectContaining({
        name: 'CountersignError',
        code: 'spend_missing',
        hint: expect.stringContaining("spend: { perCall: '$0.05', total: '$1.00' }") as string,
      }),
    );
  });

  it('without an account throw an error', () => {
    expect(() => createAgent({ spend: { perCall: 1n, total: 1n } } as never)).toThrow(
      expect.objectContaining({ code: 'options_invalid' }),
    );
  });
});
