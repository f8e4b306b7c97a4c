import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../../src/core/canonical-json.ts';
import { sha256Hex, utf8 } from '../../../../src/crypto/bytes.ts';
import { assetId } from '../../../../src/protocol/account-id.ts';
import type { EntryBody, Json } from '../../../../src/protocol/entry.ts';
import { intentFields } from '../../../../src/protocol/intent/agent-intent.ts';
import { START, word } from '../history.ts';
import {
  bound,
  byIntent,
  CHAIN,
  counts,
  digest,
  type Evidence,
  evidenceOf,
  faultOf,
  fieldsOf,
  intent,
  NONE,
  OTHER,
  PAY_TO,
  signed,
  TOKEN,
  vanilla,
} from './signed-log.ts';

const denied = (call: `0x${string}`, evidence: Evidence): EntryBody => ({
  type: 'call.denied',
  at: START,
  call,
  decision: 'denied',
  rule: 'per_call',
  policy: word(7),
  tool: intent.tool,
  request: signed.request,
  binding: 'intent',
  amounts: { price: '20000' },
  payment: { asset: assetId(`eip155:${CHAIN}`, TOKEN.address), payTo: PAY_TO },
  evidence: evidenceOf({ validBefore: START + 300, ...evidence }),
});

const intentOf = (changes: Evidence = {}) =>
  denied(digest, {
    proof: 'intent',
    audience: intent.audience,
    intent: intentFields(intent),
    intentSignatureDigest: word(8),
    ...changes,
  });

const paymentOf = (changes: Evidence = {}, call = word(9), of = vanilla): EntryBody => ({
  ...denied(call, {
    proof: 'x402',
    audience: intent.audience,
    token: { ...TOKEN } as unknown as Json,
    authorization: fieldsOf(of),
    signatureDigest: word(8),
    validBefore: Number(of.validBefore),
    ...changes,
  }),
  binding: changes['intent'] === undefined ? 'none' : 'intent',
});

describe('a denial', () => {
  it('has the fields that its call id commits to, and no signature', async () => {
    expect(await counts(intentOf(), paymentOf())).toEqual(NONE);
    const boundOne = paymentOf({ intent: intentFields(intent) }, digest, bound);
    expect(await counts(boundOne)).toEqual(NONE);
    expect(
      await counts(
        intentOf({
          params: { depth: { found: true, value: '3' }, width: null },
        }),
      ),
    ).toEqual(NONE);
  });

  it.each<[string, EntryBody, string]>([
    [
      'another amount',
      intentOf({ intent: { ...intentFields(intent), maxAmount: '1' } }),
      'evidence.intent: mismatch',
    ],
    ['another call id', { ...intentOf(), call: word(1) }, 'evidence.intent: mismatch'],
    ['another payment', paymentOf({}, word(1)), 'evidence.authorization.nonce: mismatch'],
    [
      'another agent',
      intentOf({ intent: { ...intentFields(intent), agent: `0x${'11'.repeat(20)}` } }),
      'evidence.intent.agent: mismatch',
    ],
    [
      'a signature that could still be sent',
      intentOf({ intentSignature: signed.intent }),
      'evidence.intentSignature: malformed',
    ],
    ['no fields', denied(digest, { proof: 'intent' }), 'evidence.intent: missing'],
    ['no end', intentOf({ validBefore: undefined }), 'evidence.validBefore: missing'],
    ['another end', intentOf({ validBefore: START + 301 }), 'evidence.validBefore: mismatch'],
    [
      'another audience',
      intentOf({ audience: 'https://a.example' }),
      'evidence.audience: mismatch',
    ],
    ['another request', { ...intentOf(), request: word(1) }, 'request: mismatch'],
    [
      'another payee',
      { ...paymentOf(), payment: { ...paymentOf().payment, payTo: word(1) } },
      'payment.payTo: mismatch',
    ],
    ['another decision', { ...intentOf(), decision: 'go' }, 'decision: malformed'],
  ])('does not verify with %s', async (_, body, fault) => {
    expect(await faultOf([body])).toBe(fault);
  });
});

describe('the policies that bound a call', () => {
  const policies = [
    { kind: 'owner', account: OTHER, hash: word(1) },
    { kind: 'grant', account: OTHER, hash: word(2) },
  ];
  const policy = sha256Hex(utf8(canonicalJson(policies)));

  it('have the hash that an entry names', async () => {
    expect(await counts({ ...intentOf({ policies }), policy })).toEqual(NONE);
    const accepted = byIntent();
    const evidence = { ...accepted.evidence, policies };
    expect(await counts({ ...accepted, policy, evidence })).toEqual({ ...NONE, proved: 1 });
  });

  it.each([
    ['one left out', policies.slice(1)],
    ['another order', policies.toReversed()],
    ['another hash', [policies[0], { ...policies[1], hash: word(3) }]],
  ])('are not those of the entry with %s', async (_, changed) => {
    const evidence = { policies: changed as unknown as Json };
    expect(await faultOf([{ ...intentOf(evidence), policy }])).toBe('evidence.policies: mismatch');
    const accepted = byIntent();
    expect(
      await faultOf([{ ...accepted, policy, evidence: { ...accepted.evidence, ...evidence } }]),
    ).toBe('evidence.policies: mismatch');
  });
});
