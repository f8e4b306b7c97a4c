import { describe, expect, it } from 'vitest';
import type { Denial, DenialRule } from '../../../../src/protocol/account/denial.ts';
import { problem } from '../../../../src/protocol/problem/problem.ts';
import { problemOf } from '../../../../src/protocol/problem/problem-members.ts';
import type { MismatchReason, Reason } from '../../../../src/protocol/problem/reason.ts';
import type { WireReason } from '../../../../src/protocol/fault.ts';

const HASH = `0x${'ab'.repeat(32)}` as const;

const denialOf = (rule: DenialRule, more: Partial<Denial> = {}): Denial => ({
  rule,
  account: 'eip155:84532:0x2222222222222222222222222222222222222222',
  retryAllowed: false,
  policy: HASH,
  ...more,
});

const denied = (denial: Denial): Reason => ({
  reason: 'denied',
  denial,
  tool: 'enrich',
  price: 15_000_000n,
});

const wire: Record<WireReason, number> = {
  too_large: 431,
  duplicate_header: 400,
  malformed_header: 400,
  malformed_field: 400,
  unknown_field: 400,
  unsupported_version: 400,
  unsupported_scheme: 400,
  unsupported_network: 400,
};
const mismatches: Record<MismatchReason['reason'], 400> = {
  requirement_mismatch: 400,
  intent_mismatch: 400,
  recipient_mismatch: 400,
  value_mismatch: 400,
  zero_payer: 400,
  empty_window: 400,
  window_too_long: 400,
  valid_too_long: 400,
  not_yet_valid: 400,
  expired: 400,
};
type WireName = keyof typeof wire;
type MismatchName = keyof typeof mismatches;

const others: readonly (readonly [number, Reason])[] = [
  [404, { reason: 'not_found' }],
  [405, { reason: 'method_not_allowed', allow: ['GET', 'POST'] }],
  [400, { reason: 'malformed_request', field: 'content-type', hint: 'must be sent at most once' }],
  [400, { reason: 'not_canonical', hint: 'holds a dot segment' }],
  [414, { reason: 'target_too_long', limit: 4096 }],
  [413, { reason: 'body_too_large', limit: 1024 }],
  [400, { reason: 'body_incomplete' }],
  [415, { reason: 'content_encoding' }],
  [400, { reason: 'too_many_proofs', fields: ['PAYMENT-SIGNATURE', 'X-PAYMENT'] }],
  [402, { reason: 'payment_required', wants: 'payment' }],
  [402, { reason: 'payment_required', wants: 'bound_payment' }],
  [402, { reason: 'payment_required', wants: 'credit' }],
  [
    401,
    {
      reason: 'intent_required',
      audience: 'https://gw.example',
      networks: ['eip155:8453'],
      tool: 'whoami',
      intent: {},
    },
  ],
  [400, { reason: 'invalid_signature', field: 'payload.signature', fault: 'high_s' }],
  [400, { reason: 'unsupported_signature', field: 'payload.signature' }],
  [409, { reason: 'in_progress', retryAfter: 2 }],
  [409, { reason: 'conflict' }],
  [409, { reason: 'already_used', call: HASH }],
  [400, { reason: 'proof_too_old', field: 'f', expected: '>= 1', got: '0', call: HASH }],
  [404, { reason: 'unknown_call' }],
  ...(['tool', 'beneficiary', 'marked', 'unknown_mark'] as const).flatMap((because) =>
    ([1, 2] as const).map((version): [number, Reason] => [
      400,
      { reason: 'binding_required', field: `header ${version}`, version, because },
    ]),
  ),
  [403, { reason: 'forbidden' }],
  [404, { reason: 'unknown_transaction' }],
  [409, { reason: 'transaction_not_final', retryAfter: 5 }],
  [409, { reason: 'no_refund' }],
  [400, { reason: 'malformed_policy', field: 'body.policy.perCall', hint: 'must be an amount' }],
  [400, { reason: 'grant_refused', field: 'body.delegation.depth', expected: '<= 1', got: '2' }],
  [409, { reason: 'already_registered', field: 'body.delegation.id' }],
  [409, { reason: 'already_registered', field: 'body.delegation.id', grant: HASH }],
  [409, { reason: 'grant_revoked', field: 'body.delegation.id' }],
  [409, { reason: 'holds_leases', field: 'body.delegation.delegate' }],
  [404, { reason: 'unknown_grant', field: 'body.delegation.parent' }],
  [403, { reason: 'penniless', field: 'body.delegation.issuer' }],
  [404, { reason: 'unknown_account' }],
  [404, { reason: 'unknown_document', what: 'webhook of this name' }],
  [404, { reason: 'unknown_tool' }],
  [409, { reason: 'already_used' }],
  [412, { reason: 'precondition_failed' }],
  [412, { reason: 'precondition_failed', current: HASH }],
  [428, { reason: 'precondition_required', current: HASH }],
  [409, { reason: 'not_writable', hint: 'Wait until it has ended.' }],
  [409, { reason: 'credit_too_low', credit: '5' }],
  [400, { reason: 'malformed_document', faults: [{ field: 'body.price', reason: 'must be' }] }],
  [403, denied(denialOf('per_call'))],
  [503, { reason: 'settlement_unavailable', retryAfter: 15 }],
  [503, { reason: 'settlement_unknown', retryAfter: 5 }],
  [403, { reason: 'settlement_failed', fault: 'payer' }],
  [503, { reason: 'settlement_failed', fault: 'gateway' }],
  [429, { reason: 'too_many_requests', retryAfter: 10 }],
  ...(['command_bytes', 'command_rate'] as const).map((rule): [number, Reason] => [
    429,
    {
      ...{ reason: 'too_many_commands', rule, account: `eip155:84532:0x${'11'.repeat(20)}` },
      ...{ limit: 120, window: 60, retryAfter: 7, resetsAt: 1_800_000_007 },
    },
  ]),
  [503, { reason: 'paused' }],
  [503, { reason: 'payer_unreachable' }],
  [503, { reason: 'storage_unavailable' }],
  [503, { reason: 'misconfigured', faults: [{ name: 'PAY_TO', reason: 'must be set' }] }],
  [500, { reason: 'internal' }],
  [504, { reason: 'upstream_timeout', money: 'held' }],
  [502, { reason: 'upstream_dropped', money: 'untouched' }],
  [502, { reason: 'upstream_truncated', money: 'credited' }],
  [502, { reason: 'upstream_payment', money: 'untouched' }],
  [502, { reason: 'upstream_redirect', money: 'untouched' }],
  [502, { reason: 'upstream_encoding', money: 'untouched' }],
  [502, { reason: 'upstream_overcharge', money: 'untouched' }],
];

const all: readonly (readonly [number, Reason])[] = [
  ...Object.entries(wire).map(
    ([reason, status]) =>
      [status, { reason: reason as WireName, field: 'f', hint: 'is wrong' }] as const,
  ),
  ...Object.entries(mismatches).map(
    ([reason, status]) =>
      [status, { reason: reason as MismatchName, field: 'f', expected: 'e', got: 'g' }] as const,
  ),
  ...others,
];

const bodyOf = async (response: Response | Promise<Response>) =>
  (await response).json<Record<string, unknown>>();

describe('problem', () => {
  it.each(all)('answers %i for %o', async (status, reason) => {
    const response = await problem(reason);
    const body = await bodyOf(response);
    expect(response.status).toBe(status);
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    expect(response.headers.get('Cache-Control')).toBe('private, no-store');
    expect(body['status']).toBe(status);
    expect(body['type']).toBe(`urn:countersign:problem:${reason.reason.replaceAll('_', '-')}`);
    for (const member of ['title', 'detail', 'hint']) {
      expect(body[member], member).toMatch(/^\S.*\S$/s);
      expect(body[member], member).not.toMatch(/undefined|\[object|NaN/);
    }
  });

  it('never answers 402 but for the offer: clients sign again on 402 and would pay twice (law 5)', () => {
    const paid = all.filter(([, reason]) => problemOf(reason).members.status === 402);
    expect(new Set(paid.map(([, { reason }]) => reason))).toEqual(new Set(['payment_required']));
  });

  it.each(
    all.filter(([, { reason }]) =>
      ['settlement_unavailable', 'settlement_unknown', 'in_progress'].includes(reason),
    ),
  )('says not to sign again where a signed call is open: %i %o', async (_, reason) => {
    const { hint } = await bodyOf(problem(reason));
    expect(hint).toMatch(/same signature/);
    expect(hint).toMatch(/do not sign again/);
  });

  it.each(
    all.filter(([, { reason }]) =>
      ['storage_unavailable', 'payer_unreachable', 'internal'].includes(reason),
    ),
  )('says to keep a signature only if there is one: %i %o', async (_, reason) => {
    const { hint } = await bodyOf(problem(reason));
    expect(hint).toMatch(/If it carries a signature, keep that signature/);
    expect(hint).not.toMatch(/do not sign again|with the same signature/);
  });

  it.each(all)('says of money only what holds for a repeat, too: %i %o', async (_, reason) => {
    const { detail, hint } = await bodyOf(problem(reason));
    // An earlier request with the same proof may have been charged.
    expect(`${String(detail)} ${String(hint)}`).not.toMatch(
      /nothing was (charged|claimed|written)/i,
    );
  });

  it.each(all)(
    'gives the pause of Retry-After in the body, and only there in words: %i %o',
    async (_, reason) => {
      const response = await problem(reason);
      const after = response.headers.get('Retry-After');
      const { detail, hint, ...body } = await bodyOf(response);
      expect(body['retry_after']).toBe(after === null ? undefined : Number(after));
      expect(`${String(detail)} ${String(hint)}`).not.toContain('Retry-After');
      if (String(hint).includes('`retry_after`')) expect(after).not.toBeNull();
    },
  );

  it('asks in a 402 for what the tool takes', () => {
    const hint = (wants: 'payment' | 'bound_payment' | 'credit') =>
      problemOf({ reason: 'payment_required', wants }).members.hint;
    expect(hint('payment')).toMatch(/PAYMENT-SIGNATURE/);
    expect(hint('payment')).not.toMatch(/AgentIntent/);
    expect(hint('bound_payment')).toMatch(/AgentIntent.*PAYMENT-SIGNATURE/);
    expect(hint('credit')).toMatch(/credit\.top_up.*Agent-Intent/);
    expect(hint('credit')).not.toMatch(/PAYMENT-SIGNATURE/);
  });

  it.each(all.filter(([status]) => status === 503 || status === 429))(
    'says when to come back, or names what the operator must do: %i %o',
    (_, reason) => {
      const after = problemOf(reason).headers['Retry-After'];
      if (reason.reason === 'misconfigured') expect(after).toBeUndefined();
      else expect(after).toMatch(/^[1-9][0-9]*$/);
    },
  );

  it('names the failing field and, for a mismatch, what was expected', async () => {
    const reason: Reason = {
      reason: 'value_mismatch',
      field: 'PAYMENT-SIGNATURE.payload.authorization.value',
      expected: '20000',
      got: '1',
    };
    expect(await bodyOf(problem(reason))).toMatchObject({
      field: 'PAYMENT-SIGNATURE.payload.authorization.value',
      expected: '20000',
      got: '1',
    });
  });

  it('says with Allow which methods there are', async () => {
    const response = await problem({ reason: 'method_not_allowed', allow: ['GET', 'POST'] });
    expect(response.headers.get('Allow')).toBe('GET, POST');
  });

  it('challenges for an intent, and quotes what it quotes', () => {
    const challenge = (audience: string) =>
      problemOf({
        reason: 'intent_required',
        audience,
        networks: ['eip155:8453', 'eip155:84532'],
        tool: 'whoami',
        intent: {},
      }).headers['WWW-Authenticate'];
    expect(challenge('https://gw.example')).toBe(
      'AgentIntent error="intent_required", audience="https://gw.example", ' +
        'chains="eip155:8453 eip155:84532", max_validity="300", tool="whoami"',
    );
    expect(challenge('a"b\\c')).toContain('audience="a\\"b\\\\c"');
  });

  it('names variables, and what each needs', async () => {
    const faults = [
      { name: 'PAY_TO', reason: 'must be set' },
      { name: 'AUDIENCES', reason: 'names an origin twice' },
    ];
    const body = await bodyOf(problem({ reason: 'misconfigured', faults }));
    expect(body['faults']).toEqual(faults);
    expect(body['detail']).toBe('PAY_TO must be set. AUDIENCES names an origin twice.');
  });

  it('speaks of a body where the body is wrong, and of payments where a payment is', () => {
    const textOf = (field: string) =>
      problemOf({ reason: 'unsupported_network', field, hint: 'must be a chain' }).members;
    expect(textOf('PAYMENT-SIGNATURE.accepted').hint).toContain('accepts');
    expect(textOf('Agent-Intent.chainId').hint).toContain('intent');
    expect(textOf('Agent-Intent.chainId').hint).not.toContain('accepts');
    expect(textOf('body.chainId').hint).not.toContain('accepts');
  });

  it('names the grant that is registered already, where it is this very one', () => {
    const field = 'body.delegation.id';
    const known = problemOf({ reason: 'already_registered', field, grant: HASH }).members;
    expect(known).toMatchObject({ field, grant: HASH });
    expect(problemOf({ reason: 'already_registered', field }).members).not.toHaveProperty('grant');
  });

  it('adds the call id and headers of the context, and lets none of them make it cacheable', async () => {
    const response = await problem(
      { reason: 'conflict' },
      { call: HASH, headers: { RateLimit: '"rate";r=1', 'Cache-Control': 'public' } },
    );
    expect(response.headers.get('RateLimit')).toBe('"rate";r=1');
    expect(response.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await bodyOf(response)).toMatchObject({ call: HASH });
  });

  it('says where it is written how to sign an intent, where that would help and nowhere else', async () => {
    const docs = 'https://gw.example/.well-known/agent-intent';
    const helped = async (reason: Reason) => (await bodyOf(problem(reason, { docs })))['docs'];
    const intent: readonly Reason[] = [
      { reason: 'binding_required', field: 'X-PAYMENT', version: 1, because: 'tool' },
      { reason: 'intent_mismatch', field: 'f', expected: 'e', got: 'g' },
      { reason: 'malformed_field', field: 'Agent-Intent.intent.nonce', hint: 'is wrong' },
      {
        reason: 'expired',
        field: 'PAYMENT-SIGNATURE.extensions.agent-intent.info.intent.validBefore',
        expected: 'e',
        got: 'g',
      },
      denied(denialOf('binding')),
    ];
    for (const reason of intent) expect(await helped(reason)).toBe(docs);
    const others: readonly Reason[] = [
      { reason: 'already_used', call: HASH },
      { reason: 'malformed_field', field: 'PAYMENT-SIGNATURE.payload.signature', hint: 'is wrong' },
      denied(denialOf('window')),
      { reason: 'internal' },
    ];
    for (const reason of others) expect(await helped(reason)).toBeUndefined();
  });

  it('names the header and the place that an intent goes to, by version of the payment', () => {
    const hint = (version: 1 | 2) =>
      problemOf({ reason: 'binding_required', field: 'f', version, because: 'tool' }).members.hint;
    expect(hint(2)).toContain(
      'extensions["agent-intent"].info.intent of the header PAYMENT-SIGNATURE',
    );
    expect(hint(1)).toMatch(/version 1 cannot carry an intent.*PAYMENT-SIGNATURE.*Agent-Intent/);
  });

  it('says why a payment must be bound, and that a stripped one is not used up', () => {
    const textOf = (because: Extract<Reason, { reason: 'binding_required' }>['because']) =>
      problemOf({ reason: 'binding_required', field: 'f', version: 2, because }).members;
    expect(textOf('tool').detail).toMatch(/This tool/);
    expect(textOf('beneficiary').detail).toMatch(/another account/);
    expect(textOf('marked').detail).toMatch(/validAfter 1131378030.*no intent/);
    expect(textOf('marked').hint).toMatch(/did not use up the signature/);
    expect(textOf('unknown_mark').detail).toMatch(/does not know/);
  });

  it('tells a payer without the mark to sign it, and not to sign another intent', () => {
    const hint = (field: string) =>
      problemOf({ reason: 'intent_mismatch', field, expected: '1131378030', got: '0' }).members
        .hint;
    expect(hint('PAYMENT-SIGNATURE.payload.authorization.validAfter')).toMatch(/validAfter/);
    expect(hint('Agent-Intent.intent.target')).toMatch(/exactly the request you send/);
  });

  it('says where a used call can be asked for, and where a debt and missing credit are paid', () => {
    expect(problemOf({ reason: 'already_used', call: HASH }).members.hint).toContain(
      `GET /calls/${HASH}`,
    );
    for (const rule of ['debt', 'credit'] as const)
      expect(problemOf(denied(denialOf(rule))).members.hint).toContain('POST /credits?amount=');
  });

  it.each([
    ['untouched', /charged nothing/],
    ['credited', /is credit of the paying account now/],
    ['held', /keeps the amount reserved/],
    ['charged', /the amount is charged/],
  ] as const)('says what an upstream failure means for the money: %s', (money, text) => {
    const { members } = problemOf({ reason: 'upstream_timeout', money });
    expect(members['money']).toBe(money);
    expect(members.hint).toMatch(text);
  });
});

describe('a denial', () => {
  const rules: Record<DenialRule, true> = {
    frozen: true,
    paused: true,
    revoked: true,
    expired: true,
    not_yet: true,
    deny: true,
    require: true,
    lifetime: true,
    repeat: true,
    authority: true,
    unreachable: true,
    denial_rate: true,
    failure_rate: true,
    tool: true,
    payee: true,
    asset: true,
    per_call: true,
    window: true,
    exposure: true,
    balance: true,
    rate: true,
    debt: true,
    credit: true,
    nonce_used: true,
    suspended: true,
    penniless: true,
    binding: true,
    validity: true,
  };

  it.each(Object.keys(rules) as DenialRule[])('by %s says what can be done', (rule) => {
    const { members } = problemOf(denied(denialOf(rule)));
    expect(members.status).toBe(403);
    expect(members['rule']).toBe(rule);
    expect(members.hint.length).toBeGreaterThan(20);
    expect(members.detail.length).toBeGreaterThan(10);
  });

  const limitOf = (rule: string, limit: string, spent: string, remaining: string) => ({
    ...{ rule, limit, spent, held: '0', remaining },
  });

  it.each<[string, Denial, RegExp, RegExp]>([
    [
      'a window that a new period frees',
      denialOf('window', { retryAllowed: true, retryAfter: 60 }),
      /more than what the window has left/,
      /Wait until `resets_at`, `retry_after` seconds from now/,
    ],
    [
      'a window that is smaller than the price',
      denialOf('window'),
      /above the whole limit/,
      /Waiting does not help/,
    ],
    [
      'a balance that payments on their way take',
      denialOf('balance', { retryAllowed: true, retryAfter: 5 }),
      /on their way/,
      /wait `retry_after` seconds/,
    ],
    ['a balance that is too low', denialOf('balance', { retryAllowed: true }), /./, /^Add funds/],
    [
      'a free call of a stranger without money',
      denialOf('penniless', { retryAllowed: true }),
      /holds no money on this chain and has paid nothing here/,
      /Add funds/,
    ],
    [
      'a debt',
      denialOf('debt', { limit: limitOf('debt', '0', '20000', '0') }),
      /It owes \$0\.02\.$/,
      /Pay what the account owes/,
    ],
    [
      'credit',
      denialOf('credit', { limit: limitOf('credit', '5000', '0', '5000') }),
      /Price \$15\.00, credit \$0\.005, left \$0\.005\.$/,
      /Top up/,
    ],
  ])('by %s says what happened and what helps', (_, denial, detail, hint) => {
    const { members } = problemOf(denied(denial));
    expect(members.detail).toMatch(detail);
    expect(members.hint).toMatch(hint);
  });

  it('of a top-up speaks of what the account may hold, not of a price that its credit should cover', () => {
    const { members } = problemOf({
      reason: 'denied',
      denial: denialOf('credit'),
      tool: 'countersign.credits',
      price: 1n,
    });
    expect(members.detail).toBe('The account cannot take this top-up.');
    expect(members.hint).not.toContain('Top up');
  });

  it('has one hint a rule', () => {
    const hints = Object.keys(rules).map(
      (rule) => problemOf(denied(denialOf(rule as DenialRule))).members.hint,
    );
    expect(new Set(hints).size).toBe(hints.length);
  });

  it('carries the limit, what is left of it, and the policy (law 8)', () => {
    const limit = {
      rule: 'window:day',
      limit: '20000000',
      spent: '9000000',
      held: '1000000',
      remaining: '10000000',
      resetsAt: 1_900_000_000,
      window: 86_400,
    };
    const { members, headers } = problemOf(
      denied(denialOf('window', { limit, retryAllowed: true, retryAfter: 77 })),
    );
    expect(members).toMatchObject({
      status: 429,
      type: 'urn:countersign:problem:denied',
      rule: 'window',
      account: 'eip155:84532:0x2222222222222222222222222222222222222222',
      tool: 'enrich',
      price: '15000000',
      limit: '20000000',
      spent: '9000000',
      held: '1000000',
      remaining: '10000000',
      window: 86_400,
      resets_at: 1_900_000_000,
      retry_allowed: true,
      policy: HASH,
    });
    expect(members.detail).toContain('Price $15.00, limit $20.00, left $10.00.');
    expect(headers['Retry-After']).toBe('77');
  });

  it('counts calls, not dollars, for the rate', () => {
    const limit = {
      rule: 'rate',
      limit: '600',
      spent: '600',
      held: '0',
      remaining: '0',
      window: 60,
      resetsAt: 1_900_000_000,
    };
    const denial = denialOf('rate', { limit, retryAllowed: true, retryAfter: 43 });
    const { members } = problemOf(denied(denial));
    expect(members.detail).toContain('600 calls in 60 seconds');
    expect(members.detail).not.toContain('$');
    expect(members).toMatchObject({ status: 429, retry_after: 43, resets_at: 1_900_000_000 });
    const one = problemOf(denied({ ...denial, limit: { ...limit, limit: '1' } })).members;
    expect(one.detail).toContain('1 call in 60 seconds');
  });

  it('counts calls for repeats, and for a rate of whoever set it', () => {
    const limit = { rule: 'repeat', limit: '3', spent: '3', held: '0', remaining: '0', window: 60 };
    for (const rule of ['rate', 'repeat'] as const) {
      const { detail } = problemOf(denied(denialOf(rule, { limit }))).members;
      expect(detail).toContain('3 calls in 60 seconds');
    }
  });

  it('names the account above whose rule it is, whatever the limit is called there', () => {
    const account = `eip155:84532:0x${'33'.repeat(20)}` as const;
    const limit = {
      rule: 'grant:window:day',
      account,
      limit: '5',
      spent: '5',
      held: '0',
      remaining: '0',
    };
    const { members } = problemOf(
      denied(denialOf('window', { account, limit, grant: HASH, param: 'to' })),
    );
    expect(members).toMatchObject({
      rule: 'window',
      account,
      limit: '5',
      grant: HASH,
      param: 'to',
    });
  });

  it('by an account above that does not answer says when to come back', () => {
    const denial = denialOf('unreachable', { retryAllowed: true, retryAfter: 2 });
    const { members, headers } = problemOf(denied(denial));
    expect(members.status).toBe(429);
    expect(headers['Retry-After']).toBe('2');
  });

  it('is 403 without Retry-After where waiting does not help', () => {
    const { members, headers } = problemOf(
      denied(denialOf('per_call', { retryAllowed: false, retryAfter: 5 })),
    );
    expect(members.status).toBe(403);
    expect(headers['Retry-After']).toBeUndefined();
  });
});
