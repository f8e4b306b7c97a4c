import { describe, expect, it } from 'vitest';
import { isOfCall, requestFacts } from '../../../../../src/dashboard/data/calls/request-facts.ts';
import { factsIf } from '../../../../../src/protocol/log/facts.ts';

const intent = {
  method: 'POST',
  target: '/tools/translate?to=fr',
  payloadDigest: `0x${'ab'.repeat(32)}`,
};

const parked = (evidence: object, payment: object = {}) =>
  factsIf({ type: 'call.parked', evidence, payment }, 'call.parked');

describe('what a person judges a waiting call by', () => {
  it('is its request as signed, the parameters that rules compare, and the payee', () => {
    const params = {
      to: { found: true, value: 'fr' },
      size: { found: true, value: 3 },
      text: { found: false },
      gone: null,
    };
    const policies = [
      { kind: 'owner', hash: '0x34' },
      { kind: 'grant', hash: '0x56' },
    ];
    expect(requestFacts(parked({ intent, params, policies }, { payTo: '0x12' }))).toEqual({
      request: 'POST /tools/translate?to=fr',
      bodyDigest: intent.payloadDigest,
      params: [
        ['to', 'fr'],
        ['size', '3'],
        ['text', 'unreadable'],
        ['gone', 'unreadable'],
      ],
      payee: '0x12',
      grants: ['0x56'],
    });
  });

  it('has no body if the request had none', () => {
    const payloadDigest = '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    expect(
      requestFacts(parked({ intent: { ...intent, payloadDigest } })).bodyDigest,
    ).toBeUndefined();
  });

  it('is unknown until the entry is listed', () => {
    expect(requestFacts(undefined)).toEqual({
      ...{ request: undefined, bodyDigest: undefined, params: [], payee: undefined },
      grants: undefined,
    });
  });
});

it('counts only the limits of the grants that a call uses', () => {
  expect(isOfCall('0x56', ['0x56'])).toBe(true);
  expect(isOfCall('0x78', ['0x56'])).toBe(false);
  expect(isOfCall(undefined, ['0x56'])).toBe(true);
  expect(isOfCall('0x78', undefined)).toBe(true);
});
