import fc from 'fast-check';
import { hashTypedData, type Hex } from 'viem';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../../src/crypto/bytes.ts';
import { verifyStrict } from '../../../../src/crypto/verifier.ts';
import {
  AGENT_DELEGATION_TYPE,
  type AgentDelegation,
  agentDelegationSchema,
  delegationDigest,
  delegationFields,
} from '../../../../src/protocol/intent/agent-delegation.ts';
import {
  delegationBodyOf,
  readDelegation,
} from '../../../../src/protocol/intent/signed-document.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { runs } from '../../../support/runs.ts';
import { DELEGATION, membersOf } from './wire.ts';

const { chainId } = vectors.domain;
const { message: wire, hash } = vectors.delegation;
const signature = vectors.delegation.signature as Hex;
const OWNER = DELEGATION.issuer;
const ZERO: Hex = `0x${'0'.repeat(40)}`;

const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((array): Hex => `0x${Buffer.from(array).toString('hex')}`);
const uint256 = fc.bigInt({ min: 0n, max: (1n << 256n) - 1n });
const safe = fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) });
const toolId = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/);
const delegations: fc.Arbitrary<AgentDelegation> = fc
  .record({
    issuer: hex(20),
    delegate: hex(20),
    audience: fc.stringMatching(/^[\x20-\x7e]{0,64}$/),
    tools: fc.uniqueArray(toolId, { maxLength: 64 }),
    payees: fc.uniqueArray(hex(20), { maxLength: 64 }),
    asset: hex(20),
    maxPerCall: uint256,
    maxTotal: uint256,
    windowSeconds: safe,
    maxPerWindow: uint256,
    times: fc.uniqueArray(safe, { minLength: 2, maxLength: 2 }),
    epoch: safe,
    depth: fc.integer({ min: 0, max: 3 }),
    id: hex(32),
    parent: hex(32),
  })
  .map(({ times, ...rest }) => {
    const [validAfter = 0n, validUntil = 1n] = times.toSorted((a, b) => (a < b ? -1 : 1));
    return { ...rest, validAfter, validUntil };
  });

describe('delegationDigest', () => {
  it('equals the published hash, by which the published intents name their authority', () => {
    expect(delegationDigest(DELEGATION, chainId)).toBe(hash);
    expect(vectors.paid.intent.authority).toBe(hash);
    expect(AGENT_DELEGATION_TYPE).toBe(vectors.typeStrings.AgentDelegation);
  });

  it('equals the digest that the owner signed', () => {
    const signed = verifyStrict(OWNER, delegationDigest(DELEGATION, chainId), signature);
    expect(signed).toEqual({ ok: true, value: OWNER });
    expect(OWNER).toBe(vectors.keys.owner.address.toLowerCase());
  });

  it('equals viem on any delegation of any chain', () => {
    const chains = fc.oneof(fc.constant(chainId), fc.integer({ min: 1, max: 2 ** 31 }));
    const types = { AgentDelegation: membersOf(vectors.typeStrings.AgentDelegation) };
    fc.assert(
      fc.property(delegations, chains, (message, on) => {
        expect(delegationDigest(message, on)).toBe(
          hashTypedData({
            domain: { name: 'Countersign', version: '1', chainId: on },
            types,
            primaryType: 'AgentDelegation',
            message,
          }),
        );
      }),
      { numRuns: runs(1_000) },
    );
  });

  it.each([
    ['issuer', DELEGATION.delegate],
    ['delegate', OWNER],
    ['audience', 'https://gw2.example'],
    ['tools', ['translate']],
    ['tools', ['search.*', 'translate']],
    ['tools', ['translate', 'search.*', '*']],
    // The concatenated texts are equal. Only the hashes of the elements distinguish them.
    ['tools', ['translatesearch.*']],
    ['tools', []],
    ['payees', []],
    ['payees', [`0x${'ff'.repeat(20)}`]],
    ['asset', ZERO],
    ['maxPerCall', 50_001n],
    ['maxTotal', 5_000_001n],
    ['windowSeconds', 86_399n],
    ['maxPerWindow', 1_000_001n],
    ['validAfter', 1_799_989_999n],
    ['validUntil', 1_800_600_001n],
    ['epoch', 1n],
    ['depth', 1],
    ['id', hash],
    ['parent', hash],
  ] as [keyof AgentDelegation, unknown][])('changes with %s: case %#', (field, value) => {
    expect(delegationDigest({ ...DELEGATION, [field]: value }, chainId)).not.toBe(hash);
  });

  it('differs between chains', () => {
    expect(delegationDigest(DELEGATION, chainId + 1)).not.toBe(hash);
  });
});

describe('agentDelegationSchema', () => {
  const read = (value: unknown) => agentDelegationSchema.safeParse(value);

  it('reads the published delegation', () => {
    expect(read(wire)).toEqual({ success: true, data: DELEGATION });
  });

  it('round-trips the wire form of delegationFields, also through JSON', () => {
    fc.assert(
      fc.property(delegations, (delegation) => {
        fc.pre(delegation.issuer !== delegation.delegate);
        const json: unknown = JSON.parse(JSON.stringify(delegationFields(delegation)));
        expect(read(json)).toEqual({ success: true, data: delegation });
      }),
    );
  });

  it.each(Object.keys(wire) as (keyof typeof wire)[])('requires %s in its own form', (field) => {
    const { [field]: _, ...without } = wire;
    for (const value of [without, { ...wire, [field]: 1.5 }, { ...wire, [field]: null }]) {
      expect(read(value).error?.issues[0]?.path).toEqual([field]);
    }
  });
});

const many = (count: number) => Array.from({ length: count }, (_, at) => `tool-${at}`);
const manyPayees = (count: number) =>
  Array.from({ length: count }, (_, at) => `0x${(at + 1).toString(16).padStart(40, '0')}`);

describe('readDelegation', () => {
  const valid = { v: 1, chainId, delegation: wire, signature };
  const read = (value: unknown) => readDelegation(utf8(JSON.stringify(value)));

  it('reads the published grant, its chain as a number or a string, and writes it back', () => {
    const signed = { chainId, delegation: DELEGATION, signature };
    expect(read(valid)).toEqual({ ok: true, value: signed });
    expect(read({ ...valid, chainId: String(chainId) })).toEqual({ ok: true, value: signed });
    expect(read(delegationBodyOf(signed))).toEqual({ ok: true, value: signed });
  });

  it.each([
    { tools: many(64), payees: manyPayees(64) },
    { tools: [], payees: [] },
    { tools: ['*'], payees: [`0x${'FF'.repeat(20)}`] },
    { tools: ['a', 'a.*', '0-_.x', 'a'.repeat(64), `${'a'.repeat(62)}.*`] },
    { depth: 3 },
    { asset: ZERO, maxPerCall: '0', windowSeconds: '0', maxPerWindow: '0' },
    { epoch: String(Number.MAX_SAFE_INTEGER), validUntil: String(Number.MAX_SAFE_INTEGER) },
  ])('accepts a grant at its limits: case %#', (change) => {
    expect(read({ ...valid, delegation: { ...wire, ...change } })).toMatchObject({ ok: true });
  });

  it.each([
    ['tools', { tools: many(65) }],
    ['tools', { tools: ['a', 'b', 'a'] }],
    ['tools', { tools: 'translate' }],
    ['tools.1', { tools: ['a', ''] }],
    ['tools.0', { tools: ['*.search'] }],
    ['tools.0', { tools: ['search*'] }],
    ['tools.0', { tools: ['.*'] }],
    ['tools.0', { tools: ['Search'] }],
    ['tools.0', { tools: ['a'.repeat(65)] }],
    ['tools.0', { tools: [`${'a'.repeat(63)}.*`] }],
    ['tools.0', { tools: ['a\n'] }],
    ['payees', { payees: manyPayees(65) }],
    ['payees', { payees: [wire.payees[0], wire.payees[0]?.toLowerCase()] }],
    ['payees.0', { payees: ['*'] }],
    ['audience', { audience: 'https://gw.ex\u00e4mple' }],
    ['audience', { audience: 'a'.repeat(257) }],
    ['maxPerCall', { maxPerCall: 50_000 }],
    ['maxTotal', { maxTotal: '-1' }],
    ['maxPerWindow', { maxPerWindow: (1n << 256n).toString() }],
    ['windowSeconds', { windowSeconds: '9007199254740992' }],
    ['epoch', { epoch: '9007199254740992' }],
    ['validAfter', { validAfter: '9007199254740992' }],
    ['validUntil', { validUntil: '9007199254740992' }],
    ['validUntil', { validUntil: wire.validAfter }],
    ['validUntil', { validUntil: '0' }],
    ['depth', { depth: 4 }],
    ['depth', { depth: -1 }],
    ['depth', { depth: '1' }],
    ['id', { id: `0x${'0'.repeat(64)}` }],
    ['issuer', { issuer: ZERO }],
    ['delegate', { delegate: ZERO }],
    ['delegate', { delegate: wire.issuer }],
    ['parent', { parent: '0x' }],
  ])('rejects another %s and names its field: case %#', (field, change) => {
    expect(read({ ...valid, delegation: { ...wire, ...change } })).toMatchObject({
      ok: false,
      error: { reason: 'malformed_field', field: `body.delegation.${field}` },
    });
  });

  it.each([
    ['malformed_field', 'body', []],
    ['unsupported_version', 'body.v', { ...valid, v: 2 }],
    ['malformed_field', 'body.chainId', { ...valid, chainId: 0 }],
    ['malformed_field', 'body.delegation', { ...valid, delegation: 'x' }],
    ['malformed_field', 'body.signature', { ...valid, signature: '0x1' }],
    ['unknown_field', 'body.revocation', { ...valid, revocation: {} }],
    ['unknown_field', 'body.delegation.tip', { ...valid, delegation: { ...wire, tip: '1' } }],
  ])('rejects with %s at %s', (reason, field, value) => {
    expect(read(value)).toMatchObject({ ok: false, error: { reason, field } });
  });

  it.each([
    undefined,
    utf8(''),
    utf8('{'),
    Uint8Array.of(0xff, 0xfe),
    utf8(JSON.stringify(valid).replace('"v":1', '"v":1,"v":1')),
  ])('rejects a body that is not strict JSON: case %#', (body) => {
    expect(readDelegation(body)).toMatchObject({
      error: { reason: 'malformed_request', field: 'body' },
    });
  });

  it('returns a result for any JSON, and names a field of the body in its faults', () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(...Object.keys(wire)), (json, field) => {
        for (const text of [
          json,
          JSON.stringify(valid).replace(
            JSON.stringify(wire),
            JSON.stringify({ ...wire, [field]: JSON.parse(json) as unknown }),
          ),
        ]) {
          const result = readDelegation(utf8(text));
          if (!result.ok) expect(result.error.field.startsWith('body')).toBe(true);
        }
      }),
    );
  });
});
