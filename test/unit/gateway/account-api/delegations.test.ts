import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Applied } from '../../../../src/protocol/account/applied.ts';
import type { FieldFault } from '../../../../src/protocol/account/command-fault.ts';
import { delegationsTool } from '../../../../src/catalog/gateway-tools.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { registerDelegation } from '../../../../src/gateway/account-api/delegations.ts';
import { observeOwn } from '../../../../src/gateway/observe.ts';
import type { AgentDelegation } from '../../../../src/protocol/intent/agent-delegation.ts';
import {
  type AgentIntent,
  intentDigest,
  intentFields,
} from '../../../../src/protocol/intent/agent-intent.ts';
import vectors from '../../../vectors/countersign-v1.json';
import {
  counterfactual,
  delegationBody,
  delegationOf,
  malleated,
  type Signing,
} from './documents.ts';
import { governed, KEY_ACCOUNT, network, type Node, scriptedGateway } from '../scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  NOW,
  PAY_TO,
  paymentHeader,
  paymentOf,
  signIntent,
  vectorConfig,
  type Who,
} from '../signing.ts';

const config = vectorConfig();
const OWNER = `eip155:84532:${addressOf('owner')}` as const;
const AGENT = `eip155:84532:${addressOf('agent')}` as const;
const HASH = vectors.delegation.hash;
const MAGIC = `0x1626ba7e${'0'.repeat(56)}`;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const requestOf = (body: unknown, headers: Record<string, string> = {}) =>
  new Request('https://gw.example/delegations', {
    method: 'PUT',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', ...headers },
  });
const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

/** Sends a grant to stub accounts. */
const send = async (
  options: {
    readonly fields?: Partial<AgentDelegation>;
    readonly signing?: Signing;
    readonly apply?: (kind: string) => Applied;
  } = {},
) => {
  const { fields, signing, apply } = options;
  const { gateway, asked, rateLimited, offered } = await scriptedGateway(
    config,
    apply === undefined ? {} : { apply: async ({ kind }) => apply(kind) },
  );
  const body = await delegationBody(delegationOf(fields), signing);
  return {
    answer: await registerDelegation(gateway, requestOf(body)),
    asked,
    rateLimited,
    offered,
  };
};

/** The same, with an `Agent-Intent` of the given signer. */
const sendWith = async (
  who: Who,
  options: {
    readonly fields?: Partial<AgentDelegation>;
    readonly intent?: Partial<AgentIntent>;
    readonly node?: Node;
    readonly signer?: Who;
    readonly apply?: (kind: string) => Applied;
  } = {},
) => {
  const { rpc } = network(options.node ?? KEY_ACCOUNT);
  const { apply } = options;
  const { gateway, asked, offered } = await scriptedGateway(
    config,
    apply === undefined ? {} : { apply: async ({ kind }) => apply(kind) },
  );
  const delegation = delegationOf(options.fields);
  const body = await delegationBody(delegation);
  const seen = await observeOwn(requestOf(body), config, delegationsTool);
  if (!seen.ok) throw new Error(seen.error.reason);
  const intent = intentFor(seen.value, { agent: addressOf(who), ...options.intent });
  const headers = intentHeader(await signIntent(intent, options.signer ?? who));
  const answer = await registerDelegation(gateway, requestOf(body, headers));
  return { answer, asked, rpc, offered, intent };
};

/** A node on which this account has code that accepts or rejects signatures. */
const contractAt = (address: Hex, accepts: boolean): Node => ({
  ...KEY_ACCOUNT,
  eth_getCode: ([asked]: [Hex]) => (asked === address ? '0x60' : '0x'),
  eth_call: ([{ to, data }]: [{ to: Hex; data: string }]) =>
    accepts && to === address && data.startsWith('0x1626ba7e') ? MAGIC : `0x${'0'.repeat(64)}`,
});

describe('PUT /delegations', () => {
  it('warns about limits below every price, and registers the grant', async () => {
    network(KEY_ACCOUNT);
    const fields = { tools: ['*'], maxPerCall: 15n, maxTotal: 5_000_000n };
    const { answer } = await send({ fields, apply: () => governed({}) });
    expect(answer.status).toBe(201);
    expect((await bodyOf(answer))['warnings']).toEqual([
      { field: 'maxPerCall', limit: '15', tool: 'translate', price: '20000' },
    ]);
  });

  it('registers a grant with its issuer, and with a consenting delegate', async () => {
    network(KEY_ACCOUNT);
    const above = `0x${'77'.repeat(32)}` as const;
    const chain = [
      {
        hash: above,
        chainId: 84532,
        delegation: delegationOf(),
        signature: above,
      },
    ];
    const { answer, asked, offered } = await sendWith('agent', {
      apply: () => governed({ chain }),
    });
    expect(answer.status).toBe(201);
    expect(offered).toEqual(new Map());
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(await bodyOf(answer)).toEqual({
      grant: HASH,
      account: AGENT,
      issuer: OWNER,
      status: 'active',
      valid_until: Number(vectors.delegation.message.validUntil),
      chain: [above],
    });
    const grant = {
      hash: HASH,
      chainId: 84532,
      delegation: delegationOf(),
      signature: vectors.delegation.signature,
    };
    expect(asked).toEqual([
      {
        asked: 'apply',
        of: OWNER,
        order: {
          kind: 'issue',
          grant,
          facts: expect.objectContaining({ hasCode: false, block: 100, at: NOW }) as unknown,
          consent: true,
        },
      },
      {
        asked: 'apply',
        of: AGENT,
        order: { kind: 'take', grant, chain, consent: expect.any(Object) as unknown },
      },
    ]);
  });

  it('keeps a grant without consent as an offer, unknown to the delegate’s account', async () => {
    network(KEY_ACCOUNT);
    const { answer, asked, offered } = await send();
    expect(answer.status).toBe(201);
    expect(await bodyOf(answer)).toMatchObject({ grant: HASH, status: 'offered', chain: [] });
    expect(asked).toMatchObject([{ of: OWNER, order: { kind: 'issue', consent: false } }]);
    expect(offered).toEqual(new Map([[HASH, OWNER]]));
  });

  it('registers an offer although the database does not answer: its entry repairs the row', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config);
    const keep = (): Promise<never> => Promise.reject(new Error('D1 is down'));
    const failing = { ...gateway, offeredGrants: { ...gateway.offeredGrants, keep } };
    const body = await delegationBody(delegationOf());
    expect((await registerDelegation(failing, requestOf(body))).status).toBe(201);
  });

  it('asks the issuer’s chain once, behind the rate limiter', async () => {
    const { rpc } = network(KEY_ACCOUNT);
    const { rateLimited } = await send();
    expect(rpc.filter((method) => method === 'eth_getCode')).toHaveLength(1);
    expect(rateLimited).toEqual(['unknown', `facts eip155:84532:${addressOf('owner')}`]);
    const { gateway, asked } = await scriptedGateway(config);
    const closed = { ...gateway, rateLimit: async () => false };
    const body = await delegationBody(delegationOf());
    expect((await registerDelegation(closed, requestOf(body))).status).toBe(429);
    expect(asked).toEqual([]);
  });

  it('continues after an interruption', async () => {
    network(KEY_ACCOUNT);
    const { answer } = await sendWith('agent', {
      apply: (kind) => governed({ changed: kind === 'take' }),
    });
    expect(answer.status).toBe(201);
  });

  it('answers 409 with the hash of a grant that both accounts hold', async () => {
    network(KEY_ACCOUNT);
    const apply = () => governed({ changed: false });
    for (const { answer } of [await send({ apply }), await sendWith('agent', { apply })]) {
      expect(answer.status).toBe(409);
      expect(await bodyOf(answer)).toMatchObject({
        type: 'urn:countersign:problem:already-registered',
        field: 'body.delegation.id',
        grant: HASH,
      });
    }
  });
});

describe('a grant with impossible terms', () => {
  type Body = Awaited<ReturnType<typeof delegationBody>>;
  const edits: readonly (readonly [string, (body: Body) => unknown, string])[] = [
    ['no JSON', () => 'not JSON', 'body'],
    ['a key twice', () => '{"v":1,"v":1}', 'body'],
    ['another version', (body) => ({ ...body, v: 2 }), 'body.v'],
    ['an unknown field', (body) => ({ ...body, note: 'x' }), 'body.note'],
    ['a chain that is not served', (body) => ({ ...body, chainId: '8453' }), 'body.chainId'],
    [
      'an unknown field in the grant',
      ({ delegation, ...body }) => ({ ...body, delegation: { ...delegation, note: 'x' } }),
      'body.delegation.note',
    ],
    [
      'a number where text belongs',
      ({ delegation, ...body }) => ({ ...body, delegation: { ...delegation, maxTotal: 5 } }),
      'body.delegation.maxTotal',
    ],
    [
      'depth 4',
      ({ delegation, ...body }) => ({ ...body, delegation: { ...delegation, depth: 4 } }),
      'body.delegation.depth',
    ],
    ['no signature', ({ signature: _, ...body }) => body, 'body.signature'],
  ];

  it.each(edits)('with %s is rejected with the field', async (_, edit, field) => {
    const { rpc } = network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    const body = edit(await delegationBody(delegationOf()));
    const answer = await registerDelegation(gateway, requestOf(body));
    expect(answer.status).toBe(400);
    expect(await bodyOf(answer)).toMatchObject({ field });
    expect([asked, rpc]).toEqual([[], []]);
  });

  it.each([
    [
      'for another gateway',
      { audience: 'https://other.example' },
      'audience',
      'https://gw.example or https://second.example',
    ],
    ['for other money', { asset: `0x${'99'.repeat(20)}` as const }, 'asset', /^0x036cbd/],
    ['to the gateway’s own account', { delegate: PAY_TO }, 'delegate', /receives no money/],
    ['that is over', { validUntil: BigInt(NOW) }, 'validUntil', `> ${NOW}`],
  ])('%s is refused, however well it is signed', async (_, fields, field, expected) => {
    const { rpc } = network(KEY_ACCOUNT);
    const { answer, asked } = await send({ fields });
    expect(answer.status).toBe(400);
    const body = await bodyOf(answer);
    expect(body).toMatchObject({
      type: 'urn:countersign:problem:grant-refused',
      field: `body.delegation.${field}`,
    });
    expect(body['expected']).toMatch(expected);
    expect([asked, rpc]).toEqual([[], []]);
  });

  it('for a second audience of this gateway, or without money, is accepted', async () => {
    network(KEY_ACCOUNT);
    const fields = { audience: 'https://second.example', asset: `0x${'00'.repeat(20)}` as const };
    expect((await send({ fields })).answer.status).toBe(201);
  });

  it('with 65 tools is rejected with the field; with 64 it is accepted', async () => {
    network(KEY_ACCOUNT);
    const tools = Array.from({ length: 65 }, (_, at) => `tool-${at}`);
    const { answer, asked } = await send({ fields: { tools } });
    expect(answer.status).toBe(400);
    expect((await bodyOf(answer))['field']).toBe('body.delegation.tools');
    expect(asked).toEqual([]);
    expect((await send({ fields: { tools: tools.slice(1) } })).answer.status).toBe(201);
  });

  it('of more than 32 KiB is not read', async () => {
    const { gateway, asked } = await scriptedGateway(config);
    const answer = await registerDelegation(gateway, requestOf(`"${'x'.repeat(32_767)}"`));
    expect(answer.status).toBe(413);
    expect(await bodyOf(answer)).toMatchObject({ limit: 32_768 });
    expect(asked).toEqual([]);
  });

  it('with maximum values fits into the limit', async () => {
    network(contractAt(addressOf('owner'), true));
    const nth = (at: number, bytes: number) => at.toString(16).padStart(bytes * 2, 'f');
    const fields = {
      tools: Array.from({ length: 64 }, (_, at) => nth(at, 32)),
      payees: Array.from({ length: 64 }, (_, at): Hex => `0x${nth(at, 20)}`),
    };
    const signature: Hex = `0x${'ab'.repeat(4_095)}`;
    const { answer } = await send({ fields, signing: { signature } });
    expect(answer.status).toBe(201);
  });

  it('needs the issuer’s signature: altered, or for another delegate, it is rejected', async () => {
    network(KEY_ACCOUNT);
    const stolen = vectors.delegation.signature as Hex;
    for (const options of [
      { signing: { who: 'agent' } },
      { fields: { maxTotal: 5_000_001n }, signing: { signature: stolen } },
      { fields: { delegate: `0x${'66'.repeat(20)}` }, signing: { signature: stolen } },
    ] as const) {
      const { answer, asked } = await send(options);
      expect(answer.status).toBe(400);
      expect(await bodyOf(answer)).toMatchObject({
        type: 'urn:countersign:problem:invalid-signature',
        field: 'body.signature',
        fault: 'wrong_signer',
      });
      expect(asked).toEqual([]);
    }
  });

  it.each([
    ['high s', malleated, 'invalid-signature', 'high_s'],
    ['an ERC-6492 wrapper', counterfactual, 'unsupported-signature', undefined],
  ])('signed with %s is refused before anybody is asked', async (_, form, type, fault) => {
    const { rpc } = network(KEY_ACCOUNT);
    const signature = form(vectors.delegation.signature as Hex);
    const { answer, asked } = await send({ signing: { signature } });
    expect(answer.status).toBe(400);
    const body = await bodyOf(answer);
    expect(body).toMatchObject({
      type: `urn:countersign:problem:${type}`,
      field: 'body.signature',
    });
    expect(body['fault']).toBe(fault);
    expect([asked, rpc]).toEqual([[], []]);
  });
});

describe('the header Dry-Run', () => {
  it('is for calls only: a dry run registers no grant', async () => {
    const { gateway, asked } = await scriptedGateway(config);
    const body = await delegationBody(delegationOf());
    for (const value of ['?1', 'yes']) {
      const answer = await registerDelegation(gateway, requestOf(body, { 'Dry-Run': value }));
      expect(answer.status).toBe(400);
      expect(await bodyOf(answer)).toMatchObject({ field: 'dry-run' });
    }
    expect(asked).toEqual([]);
  });
});

describe('an issuer with code', () => {
  it('is asked, and the grant is marked for repeated verification', async () => {
    network(contractAt(addressOf('owner'), true));
    const { answer, asked } = await send({ signing: { signature: `0x${'ab'.repeat(70)}` } });
    expect(answer.status).toBe(201);
    expect(asked).toMatchObject([
      { order: { kind: 'issue', grant: { contractCheckedAt: 100 }, facts: { hasCode: true } } },
    ]);
  });

  it('that rejects the signature overrules its key', async () => {
    network(contractAt(addressOf('owner'), false));
    const { answer, asked } = await send();
    expect(await bodyOf(answer)).toMatchObject({ fault: 'contract_refused' });
    expect(asked).toEqual([]);
  });

  it('cannot be asked while the node fails: nothing is written', async () => {
    network({ ...KEY_ACCOUNT, eth_getCode: 'nonsense' });
    const { answer, asked } = await send();
    expect(answer.status).toBe(503);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:payer-unreachable',
    });
    expect(asked).toEqual([]);
  });
});

describe('consent', () => {
  const takes = (asked: readonly unknown[]) => asked.at(-1);

  it('is the delegate’s signature of this very request', async () => {
    const { answer, asked, intent } = await sendWith('agent');
    expect(answer.status).toBe(201);
    // The signed intent goes into the log (law 11).
    expect(takes(asked)).toMatchObject({
      of: AGENT,
      order: {
        kind: 'take',
        consent: {
          call: intentDigest(intent, 84532),
          proof: 'intent',
          intent: { fields: intentFields(intent), signature: expect.any(String) as string },
        },
      },
    });
  });

  it('cannot come from the issuer', async () => {
    const { answer, asked } = await sendWith('owner');
    expect(answer.status).toBe(201);
    expect(asked).toMatchObject([{ of: OWNER, order: { kind: 'issue', consent: false } }]);
  });

  it('cannot come from another account', async () => {
    const { answer, asked, rpc } = await sendWith('agent', {
      fields: { delegate: `0x${'66'.repeat(20)}` },
    });
    expect(answer.status).toBe(403);
    expect(await bodyOf(answer)).toMatchObject({ type: 'urn:countersign:problem:forbidden' });
    expect([asked, rpc]).toEqual([[], []]);
  });

  it('cannot be forged in the delegate’s name', async () => {
    const { answer, asked } = await sendWith('agent', { signer: 'owner' });
    expect(await bodyOf(answer)).toMatchObject({
      field: 'Agent-Intent.signature',
      fault: 'wrong_signer',
    });
    expect(asked).toEqual([]);
  });

  it('cannot come from the key of an account that has code', async () => {
    const { answer, asked } = await sendWith('agent', {
      node: contractAt(addressOf('agent'), false),
    });
    expect(await bodyOf(answer)).toMatchObject({
      field: 'Agent-Intent.signature',
      fault: 'contract_refused',
    });
    expect(asked).toEqual([]);
    const accepted = await sendWith('agent', { node: contractAt(addressOf('agent'), true) });
    expect(takes(accepted.asked)).toMatchObject({
      of: AGENT,
      order: { consent: { contractCheckedAt: 100 } },
    });
  });

  it('is for this grant, this route and this time only', async () => {
    for (const intent of [
      { payloadDigest: `0x${'11'.repeat(32)}` },
      { tool: 'countersign.revocations' },
      { validAfter: BigInt(NOW - 100), validBefore: BigInt(NOW - 30) },
    ] as const) {
      const { answer, asked } = await sendWith('agent', { intent });
      expect(answer.status).toBe(400);
      expect((await bodyOf(answer))['field']).toMatch(/^Agent-Intent\.intent\./);
      expect(asked).toEqual([]);
    }
  });

  it('cannot be a payment', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    const body = await delegationBody(delegationOf());
    await registerDelegation(gateway, requestOf(body, paymentHeader(await paymentOf())));
    expect(asked).toMatchObject([{ of: OWNER, order: { kind: 'issue', consent: false } }]);
  });
});

describe('an account that refuses', () => {
  const faults: readonly (readonly [number, FieldFault])[] = [
    [400, { reason: 'grant_refused', field: 'delegation.depth', expected: '0', got: '1' }],
    [409, { reason: 'already_registered', field: 'delegation.id' }],
    [409, { reason: 'grant_revoked', field: 'delegation.id' }],
    [409, { reason: 'holds_leases', field: 'delegation.issuer' }],
    [404, { reason: 'unknown_grant', field: 'delegation.parent' }],
    [403, { reason: 'penniless', field: 'delegation.issuer' }],
  ];

  it.each(faults)('is answered with %i and the field: %o', async (status, fault) => {
    network(KEY_ACCOUNT);
    for (const kind of ['issue', 'take']) {
      const { answer, asked } = await sendWith('agent', {
        apply: (each) => (each === kind ? { verdict: 'refused', fault } : governed()),
      });
      expect(answer.status).toBe(status);
      const body = await bodyOf(answer);
      expect(body).toMatchObject({
        type: `urn:countersign:problem:${fault.reason.replaceAll('_', '-')}`,
        field: `body.${fault.field}`,
      });
      expect(body).not.toHaveProperty('grant');
      // The delegate’s account is not asked if the issuer refuses.
      expect(asked).toHaveLength(kind === 'issue' ? 1 : 2);
    }
  });

  it('or does not answer, or throws, ends in a refusal (law 2)', async () => {
    network(KEY_ACCOUNT);
    const throwing = (): Applied => {
      throw new Error('overloaded');
    };
    for (const apply of [(): Applied => ({ verdict: 'unavailable' }), throwing]) {
      const { answer, asked } = await send({ apply });
      expect(answer.status).toBe(503);
      const text = await answer.text();
      expect(text).toContain('storage-unavailable');
      expect(text).not.toContain('overloaded');
      expect(asked).toHaveLength(1);
    }
  });
});
