import fc from 'fast-check';
import { hashTypedData, type Hex } from 'viem';
import { describe, expect, it } from 'vitest';
import { verifyStrict } from '../../../../src/crypto/verifier.ts';
import {
  agentIntentSchema,
  intentDigest,
  intentFields,
} from '../../../../src/protocol/intent/agent-intent.ts';
import vectors from '../../../vectors/countersign-v1.json';
import { runs } from '../../../support/runs.ts';
import { intentOf, type IntentWire, membersOf } from './wire.ts';

const { chainId } = vectors.domain;
const FIELDS = membersOf(vectors.typeStrings.AgentIntent);

const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map(
      (array): Hex => `0x${[...array].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`,
    );
const ascii = (maxLength: number) =>
  fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
    maxLength,
  });
const uint64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const intents = fc.record({
  agent: hex(20),
  audience: ascii(256),
  tool: ascii(64),
  method: ascii(32),
  target: ascii(400),
  contentType: ascii(256),
  payloadDigest: hex(32),
  payTo: hex(20),
  asset: hex(20),
  maxAmount: fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }),
  validAfter: uint64,
  validBefore: uint64,
  nonce: hex(32),
  authority: hex(32),
});

describe('intentDigest', () => {
  it.each(['paid', 'unpaid', 'mcp'] as const)('equals the published %s vector', (name) => {
    expect(intentDigest(intentOf(vectors[name].intent), chainId)).toBe(vectors[name].intentHash);
  });

  it('equals the nonce of the published payment', () => {
    expect(intentDigest(intentOf(vectors.paid.intent), chainId)).toBe(
      vectors.paid.payment.authorization.nonce,
    );
  });

  it.each(['unpaid', 'mcp'] as const)(
    'equals the digest that the agent of the %s vector signed',
    (name) => {
      const intent = intentOf(vectors[name].intent);
      const signed = verifyStrict(
        intent.agent,
        intentDigest(intent, chainId),
        vectors[name].signature,
      );
      expect(signed).toEqual({ ok: true, value: intent.agent });
    },
  );

  it.each(Object.entries(vectors.mustFail.paidIntentMutations))(
    'changes with the %s as published',
    (_, mutation) => {
      const on = 'chainId' in mutation ? mutation.chainId : chainId;
      const digest = intentDigest(intentOf({ ...vectors.paid.intent, ...mutation.change }), on);
      expect(digest).toBe(mutation.intentHash);
      expect(digest).not.toBe(vectors.paid.intentHash);
    },
  );

  it('equals viem on any intent of any chain', () => {
    const chains = fc.oneof(fc.constant(chainId), fc.integer({ min: 1, max: 2 ** 31 }));
    fc.assert(
      fc.property(intents, chains, (message, on) => {
        expect(intentDigest(message, on)).toBe(
          hashTypedData({
            domain: { name: 'Countersign', version: '1', chainId: on },
            types: { AgentIntent: FIELDS },
            primaryType: 'AgentIntent',
            message,
          }),
        );
      }),
      { numRuns: runs(10_000) },
    );
  });
});

describe('agentIntentSchema', () => {
  const wire: IntentWire = vectors.paid.intent;
  const read = (value: unknown) => agentIntentSchema.safeParse(value);

  it('reads every published intent', () => {
    for (const name of ['paid', 'unpaid', 'mcp'] as const) {
      expect(read(vectors[name].intent)).toEqual({
        success: true,
        data: intentOf(vectors[name].intent),
      });
    }
  });

  it('round-trips the wire form of intentFields', () => {
    fc.assert(
      fc.property(intents, (intent) => {
        expect(read(intentFields(intent))).toEqual({ success: true, data: intent });
      }),
    );
  });

  it.each(Object.keys(vectors.paid.intent) as (keyof IntentWire)[])(
    'requires %s as a string',
    (field) => {
      const { [field]: _, ...without } = wire;
      for (const value of [without, { ...wire, [field]: 1 }, { ...wire, [field]: null }]) {
        const result = read(value);
        expect(result.error?.issues[0]?.path).toEqual([field]);
      }
    },
  );

  it('rejects an unknown field, which would look signed without being signed', () => {
    expect(read({ ...wire, tip: '1' }).error?.issues[0]).toMatchObject({
      code: 'unrecognized_keys',
      keys: ['tip'],
    });
  });

  it.each([
    ['maxAmount', ['', ' 5 ', '0x10', '1e3', '-1', '05', '1.0', '+1', (1n << 256n).toString()]],
    ['validAfter', ['', '0x10', (1n << 64n).toString()]],
    ['validBefore', ['', '1799999990 ', (1n << 64n).toString()]],
    ['agent', ['', `0x${'ab'.repeat(19)}`, `0x7e${wire.agent.slice(4)}`]],
    ['nonce', ['0x', `0x${'ab'.repeat(31)}`, `0x${'ab'.repeat(33)}`, 'ab'.repeat(32)]],
    ['payloadDigest', [`0x${'zz'.repeat(32)}`]],
    ['authority', ['']],
    ['target', ['/\u00e9', '/a\n', '/\u0000', '/\ud800', `/${'a'.repeat(4096)}`]],
    ['tool', ['\u200b', 'a'.repeat(65)]],
    ['audience', [`https://${'a'.repeat(256)}`]],
    ['contentType', ['text/plain\t']],
    ['method', ['P\u00d6ST', 'A'.repeat(33)]],
  ] as [keyof IntentWire, string[]][])('rejects %s in another form', (field, values) => {
    for (const value of values) {
      const result = read({ ...wire, [field]: value });
      expect({ value, path: result.error?.issues[0]?.path }).toEqual({ value, path: [field] });
    }
  });
});
