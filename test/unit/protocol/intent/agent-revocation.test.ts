import fc from 'fast-check';
import { hashTypedData, type Hex } from 'viem';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../../src/crypto/bytes.ts';
import { verifyStrict } from '../../../../src/crypto/verifier.ts';
import {
  AGENT_REVOCATION_TYPE,
  type AgentRevocation,
  agentRevocationSchema,
  revocationDigest,
  revocationFields,
} from '../../../../src/protocol/intent/agent-revocation.ts';
import {
  readRevocation,
  revocationBodyOf,
} from '../../../../src/protocol/intent/signed-document.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { membersOf, REVOCATION } from './wire.ts';

const { chainId } = vectors.domain;
const { message: wire, hash } = vectors.revocation;
const signature = vectors.revocation.signature as Hex;
const ZERO_ID: Hex = `0x${'0'.repeat(64)}`;

const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((array): Hex => `0x${Buffer.from(array).toString('hex')}`);
const safe = fc.bigInt({ min: 1n, max: BigInt(Number.MAX_SAFE_INTEGER) });
const revocations: fc.Arbitrary<AgentRevocation> = fc.oneof(
  fc.record({ issuer: hex(20), id: hex(32), epoch: fc.constant(0n), issuedAt: safe }),
  fc.record({ issuer: hex(20), id: fc.constant(ZERO_ID), epoch: safe, issuedAt: safe }),
);

describe('revocationDigest', () => {
  it('equals the published hash, which the owner signed', () => {
    expect(revocationDigest(REVOCATION, chainId)).toBe(hash);
    expect(AGENT_REVOCATION_TYPE).toBe(vectors.typeStrings.AgentRevocation);
    const signed = verifyStrict(
      REVOCATION.issuer,
      revocationDigest(REVOCATION, chainId),
      signature,
    );
    expect(signed).toEqual({ ok: true, value: vectors.keys.owner.address.toLowerCase() });
  });

  it('names the published delegation', () => {
    expect(REVOCATION.id).toBe(vectors.delegation.message.id);
  });

  it('equals viem on any revocation of any chain', () => {
    const types = { AgentRevocation: membersOf(vectors.typeStrings.AgentRevocation) };
    fc.assert(
      fc.property(revocations, fc.integer({ min: 1, max: 2 ** 31 }), (message, on) => {
        expect(revocationDigest(message, on)).toBe(
          hashTypedData({
            domain: { name: 'Countersign', version: '1', chainId: on },
            types,
            primaryType: 'AgentRevocation',
            message,
          }),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['issuer', `0x${'ab'.repeat(20)}`],
    ['id', ZERO_ID],
    ['epoch', 1n],
    ['issuedAt', 0n],
  ] as [keyof AgentRevocation, unknown][])('changes with %s', (field, value) => {
    expect(revocationDigest({ ...REVOCATION, [field]: value }, chainId)).not.toBe(hash);
  });
});

describe('agentRevocationSchema', () => {
  it('round-trips the wire form of revocationFields', () => {
    expect(agentRevocationSchema.parse(wire)).toEqual(REVOCATION);
    fc.assert(
      fc.property(revocations, (revocation) => {
        expect(agentRevocationSchema.parse(revocationFields(revocation))).toEqual(revocation);
      }),
    );
  });
});

describe('readRevocation', () => {
  const valid = { v: 1, chainId, revocation: wire, signature };
  const read = (value: unknown) => readRevocation(utf8(JSON.stringify(value)));

  it('reads the published revocation and writes it back', () => {
    const signed = { chainId, revocation: REVOCATION, signature };
    expect(read(valid)).toEqual({ ok: true, value: signed });
    expect(read(revocationBodyOf(signed))).toEqual({ ok: true, value: signed });
  });

  it('accepts an epoch floor for all grants below it', () => {
    const floor = { ...valid, revocation: { ...wire, id: ZERO_ID, epoch: '7' } };
    expect(read(floor)).toMatchObject({ ok: true, value: { revocation: { epoch: 7n } } });
  });

  it.each([
    // A revocation must not do two things: revoke an id, and raise the epoch.
    ['epoch', { epoch: '7' }],
    ['epoch', { id: ZERO_ID }],
    ['epoch', { id: ZERO_ID, epoch: '9007199254740992' }],
    ['issuedAt', { issuedAt: '9007199254740992' }],
    ['issuedAt', { issuedAt: 1_800_000_100 }],
    ['issuer', { issuer: `0x${'0'.repeat(40)}` }],
    ['id', { id: '0x' }],
  ])('rejects another %s and names its field: case %#', (field, change) => {
    expect(read({ ...valid, revocation: { ...wire, ...change } })).toMatchObject({
      ok: false,
      error: { reason: 'malformed_field', field: `body.revocation.${field}` },
    });
  });

  it.each([
    ['malformed_request', 'body', undefined],
    ['unsupported_version', 'body.v', { ...valid, v: 0 }],
    ['malformed_field', 'body.revocation', { v: 1, chainId, signature }],
    ['unknown_field', 'body.delegation', { ...valid, delegation: {} }],
    ['unknown_field', 'body.revocation.why', { ...valid, revocation: { ...wire, why: 'x' } }],
  ])('rejects with %s at %s', (reason, field, value) => {
    const result = value === undefined ? readRevocation(undefined) : read(value);
    expect(result).toMatchObject({ ok: false, error: { reason, field } });
  });
});
