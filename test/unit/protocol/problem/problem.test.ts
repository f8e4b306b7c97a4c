import { describe, expect, it } from 'vitest';
import { problem } from '../../../../src/protocol/problem/problem.ts';
import { problemOf, type Reason } from '../../../../src/protocol/problem/reason.ts';
import { all, denialOf, denied, HASH } from './examples.ts';

const bodyOf = async (response: Response | Promise<Response>) =>
  (await response).json<Record<string, unknown>>();

describe('problem', () => {
  it.each(all)('answers %i for %o as problem+json that no cache stores', async (status, reason) => {
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

  it('answers 402 with an offer only, because clients sign again on 402 and would pay twice (law 5)', () => {
    const paid = all.filter(([, reason]) => problemOf(reason).members.status === 402);
    expect(new Set(paid.map(([, { reason }]) => reason))).toEqual(new Set(['payment_required']));
  });

  it.each(
    all.filter(([, { reason }]) =>
      ['settlement_unavailable', 'busy', 'settlement_unknown', 'in_progress'].includes(reason),
    ),
  )('tells the caller not to sign again while a signed call is open: %i %o', async (_, reason) => {
    const { hint } = await bodyOf(problem(reason));
    expect(hint).toMatch(/same signature/);
    expect(hint).toMatch(/do not sign again/);
  });

  it.each(
    all.filter(([, { reason }]) =>
      ['storage_unavailable', 'payer_unreachable', 'internal'].includes(reason),
    ),
  )('tells the caller to keep a signature, if there is one: %i %o', async (_, reason) => {
    const { hint } = await bodyOf(problem(reason));
    expect(hint).toMatch(/If it carries a signature, keep that signature/);
    expect(hint).not.toMatch(/do not sign again|with the same signature/);
  });

  it.each(all)('claims about money only what also holds for a repeat: %i %o', async (_, reason) => {
    const { detail, hint } = await bodyOf(problem(reason));
    // The gateway may have charged an earlier request with the same proof, so the text must not deny that.
    expect(`${String(detail)} ${String(hint)}`).not.toMatch(
      /nothing was (charged|claimed|written)/i,
    );
  });

  it.each(all.filter(([status]) => status === 503))(
    'is final where a repeat with the same proof gets the same answer: %i %o',
    (_, { reason }) => {
      const open = [
        'settlement_unavailable',
        'busy',
        'settlement_unknown',
        'facilitator_unavailable',
        'payer_unreachable',
        'storage_unavailable',
        'archive_unavailable',
      ];
      const [, example] =
        all.find(([status, each]) => status === 503 && each.reason === reason) ?? [];
      expect(example && problemOf(example).members.final).toBe(
        open.includes(reason) ? undefined : true,
      );
    },
  );

  it.each([
    ['signature', true],
    ['funds', true],
    ['transfer', true],
    ['payer', undefined],
    ['grant', undefined],
  ] as const)(
    'is final for a command, and not for a call, while the chain is silent (law 13): %s',
    (needs, final) => {
      const reason = { reason: 'payer_unreachable', network: 'eip155:84532', needs } as const;
      expect(problemOf(reason).members.final).toBe(final);
    },
  );

  it.each(all)('repeats the pause of Retry-After in the body: %i %o', async (_, reason) => {
    const response = await problem(reason);
    const after = response.headers.get('Retry-After');
    const { detail, hint, ...body } = await bodyOf(response);
    expect(body['retry_after']).toBe(after === null ? undefined : Number(after));
    expect(`${String(detail)} ${String(hint)}`).not.toContain('Retry-After');
    if (String(hint).includes('`retry_after`')) expect(after).not.toBeNull();
  });

  it('asks in a 402 for the proof that the tool accepts', () => {
    const hint = (wants: 'payment' | 'bound_payment' | 'credit') =>
      problemOf({ reason: 'payment_required', wants }).members.hint;
    expect(hint('payment')).toMatch(/PAYMENT-SIGNATURE/);
    expect(hint('payment')).not.toMatch(/AgentIntent/);
    expect(hint('bound_payment')).toMatch(/AgentIntent.*PAYMENT-SIGNATURE/);
    expect(hint('credit')).toMatch(/credit\.top_up.*Agent-Intent/);
    expect(hint('credit')).not.toMatch(/PAYMENT-SIGNATURE/);
  });

  it.each(all.filter(([status]) => status === 503 || status === 429))(
    'states when to retry, or what the operator must do: %i %o',
    (_, reason) => {
      const after = problemOf(reason).headers['Retry-After'];
      if (reason.reason === 'misconfigured') expect(after).toBeUndefined();
      else expect(after).toMatch(/^[1-9][0-9]*$/);
    },
  );

  it('names the failing field and, for a mismatch, the expected value', async () => {
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

  it('lists the accepted methods in Allow', async () => {
    const response = await problem({ reason: 'method_not_allowed', allow: ['GET', 'POST'] });
    expect(response.headers.get('Allow')).toBe('GET, POST');
  });

  it('challenges for an intent, and escapes quoted strings', () => {
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

  it('names each misconfigured variable and its fault', async () => {
    const faults = [
      { name: 'PAY_TO', reason: 'must be set' },
      { name: 'AUDIENCES', reason: 'names an origin twice' },
    ];
    const body = await bodyOf(problem({ reason: 'misconfigured', faults }));
    expect(body['faults']).toEqual(faults);
    expect(body['detail']).toBe('PAY_TO must be set. AUDIENCES names an origin twice.');
  });

  it('suggests an alternative of the same kind: body, intent or payment', () => {
    const textOf = (field: string) =>
      problemOf({ reason: 'unsupported_network', field, hint: 'must be a chain' }).members;
    expect(textOf('PAYMENT-SIGNATURE.accepted').hint).toContain('accepts');
    expect(textOf('Agent-Intent.chainId').hint).toContain('intent');
    expect(textOf('Agent-Intent.chainId').hint).not.toContain('accepts');
    expect(textOf('body.chainId').hint).not.toContain('accepts');
  });

  it('names the grant that is already registered, if it is the same grant', () => {
    const field = 'body.delegation.id';
    const known = problemOf({ reason: 'already_registered', field, grant: HASH }).members;
    expect(known).toMatchObject({ field, grant: HASH });
    expect(problemOf({ reason: 'already_registered', field }).members).not.toHaveProperty('grant');
  });

  it('adds the call id and headers of the context, except headers that would make it cacheable', async () => {
    const response = await problem(
      { reason: 'conflict' },
      { call: HASH, headers: { RateLimit: '"rate";r=1', 'Cache-Control': 'public' } },
    );
    expect(response.headers.get('RateLimit')).toBe('"rate";r=1');
    expect(response.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await bodyOf(response)).toMatchObject({ call: HASH });
  });

  it('links to the intent documentation only in problems that concern an intent', async () => {
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

  it('names the header and field for the intent, by version of the payment', () => {
    const hint = (version: 1 | 2) =>
      problemOf({ reason: 'binding_required', field: 'f', version, because: 'tool' }).members.hint;
    expect(hint(2)).toContain(
      'extensions["agent-intent"].info.intent of the header PAYMENT-SIGNATURE',
    );
    expect(hint(1)).toMatch(/version 1 cannot carry an intent.*PAYMENT-SIGNATURE.*Agent-Intent/);
  });

  it('states why a payment must be bound, and that a stripped payment is still unused', () => {
    const textOf = (because: Extract<Reason, { reason: 'binding_required' }>['because']) =>
      problemOf({ reason: 'binding_required', field: 'f', version: 2, because }).members;
    expect(textOf('tool').detail).toMatch(/This tool/);
    expect(textOf('beneficiary').detail).toMatch(/another account/);
    expect(textOf('marked').detail).toMatch(/validAfter 1131378030.*no intent/);
    expect(textOf('marked').hint).toMatch(/signature is still unused/);
    expect(textOf('unknown_mark').detail).toMatch(/reserved validAfter/);
  });

  it('tells a payer without the mark to sign the mark, not another intent', () => {
    const hint = (field: string) =>
      problemOf({ reason: 'intent_mismatch', field, expected: '1131378030', got: '0' }).members
        .hint;
    expect(hint('PAYMENT-SIGNATURE.payload.authorization.validAfter')).toMatch(/validAfter/);
    expect(hint('Agent-Intent.intent.target')).toMatch(/exactly the request that you send/);
  });

  it('names the routes that look up a call and that pay a debt or buy credit', () => {
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
    ['charged', /charged the amount/],
  ] as const)('states what an upstream failure means for the money: %s', (money, text) => {
    const { members } = problemOf({ reason: 'upstream_timeout', money });
    expect(members['money']).toBe(money);
    expect(members.hint).toMatch(text);
  });
});
