import { describe, expect, it } from 'vitest';
import { signaturesOf } from '../../../support/verify-log.ts';
import type { EntryBody, Json } from '../../../../src/protocol/entry.ts';
import { intentFields } from '../../../../src/protocol/intent/agent-intent.ts';
import { BOUND_VALID_AFTER } from '../../../../src/protocol/intent/binding.ts';
import { START, word } from '../history.ts';
import {
  ACCOUNT,
  addressOf,
  bound,
  byBound,
  byIntent,
  byVanilla,
  counts,
  digest,
  ended,
  faultOf,
  fieldsOf,
  granted,
  intent,
  logOf,
  NONE,
  ordered,
  other,
  signed,
  signedCommand,
  taken,
  TOKEN,
  type Evidence,
  vanilla,
} from './signed-log.ts';

describe('a log', () => {
  it('has each signature recomputed and counted', async () => {
    expect(await counts(byIntent())).toEqual({ ...NONE, proved: 1 });
    expect(await counts(byBound(), ended(digest, { signature: signed.bound }))).toEqual({
      ...NONE,
      proved: 1,
    });
    expect(
      await counts(byVanilla(), ended(word(9), { signature: signed.vanilla }, 'payment.failed')),
    ).toEqual({ ...NONE, proved: 1 });
    expect(await counts(granted(), taken(), ordered())).toEqual({ ...NONE, proved: 3 });
  });

  it('may hold entries that need no signature', async () => {
    const types = ['call.dispatched', 'call.finished', 'alert.raised'] as const;
    for (const type of types) {
      expect(await counts({ type, at: START })).toEqual(NONE);
      const evidence = { signature: signed.intent };
      expect(await faultOf([{ type, at: START, evidence }])).toBe('evidence: unexpected');
    }
  });
});

describe('a payment', () => {
  it('is sealed until it ends', async () => {
    expect(await counts(byVanilla(), byBound())).toEqual({ ...NONE, bounded: 2 });
  });

  it('may lack its signature only if the account erased it before', async () => {
    const release = ended(word(9), {}, 'payment.released');
    const { evidence: _, ...bare } = release;
    const finished: EntryBody = { ...bare, type: 'call.finished', payment: { state: 'released' } };
    expect(await counts(byVanilla(), bare, ended(word(9), {}))).toEqual({ ...NONE, bounded: 1 });
    expect(await counts(byVanilla(), finished, ended(word(9), {}))).toEqual({
      ...NONE,
      bounded: 1,
    });
    const reveal = ended(word(9), { signature: signed.vanilla }, 'payment.failed');
    expect(await counts(byVanilla(), reveal, ended(word(9), {}))).toEqual({
      ...NONE,
      proved: 1,
    });
    expect(await faultOf([byVanilla(), ended(word(9), {})])).toBe('evidence.signature: missing');
  });

  it('written off by an operator has two signatures', async () => {
    const target = `/admin/settlements/${ACCOUNT}/${word(9)}/write-off`;
    const command = { ...(await signedCommand({ method: 'POST', target })), role: 'operator' };
    const writtenOff = (changes: Evidence) => ({
      ...ordered({ ...command, paymentSignature: signed.vanilla, ...changes }, 'payment.failed'),
      call: word(9),
    });
    expect(await counts(byVanilla(), writtenOff({}))).toEqual({ ...NONE, proved: 2 });
    expect(await faultOf([byVanilla(), writtenOff({ paymentSignature: undefined })])).toBe(
      'evidence.paymentSignature: missing',
    );
    expect(await faultOf([byVanilla(), writtenOff({ signature: signed.vanilla })])).toMatch(
      /^evidence\.signature: /,
    );
  });

  it('must have been accepted, unless the run begins later', async () => {
    const end = ended(word(9), { signature: signed.vanilla });
    expect(await faultOf([end])).toBe('call: missing');
    const later = logOf([byIntent(), end]).slice(1);
    expect(await signaturesOf(later)).toMatchObject({ verdict: 'not checked', unchecked: 1 });
  });

  it.each<[string, Evidence, string]>([
    ['with the digest of another signature', { signatureDigest: word(1) }, 'evidence.signature: mismatch'],
    ['of another token', { token: { ...TOKEN, name: 'USD' } as unknown as Json }, 'evidence.token: mismatch'],
    ['of another payer', { authorization: fieldsOf({ ...vanilla, from: addressOf(other) }) }, 'evidence.authorization.from: mismatch'],
    ['of another nonce', { authorization: fieldsOf({ ...vanilla, nonce: word(8) }) }, 'evidence.authorization.nonce: mismatch'],
    ['of another amount', { authorization: fieldsOf({ ...vanilla, value: 1n }) }, 'evidence.signature: wrong_signer'],
    ['without the digest', { signatureDigest: undefined }, 'evidence.signatureDigest: missing'],
    ['without its fields', { authorization: undefined }, 'evidence.authorization: missing'],
    ['without its token', { token: undefined }, 'evidence.token: missing'],
    ['that was bound, and its intent stripped', { authorization: fieldsOf({ ...vanilla, validAfter: BOUND_VALID_AFTER }) }, 'evidence.authorization.validAfter: mismatch'],
    ['of an unknown binding', { authorization: fieldsOf({ ...vanilla, validAfter: BOUND_VALID_AFTER + 1n }) }, 'evidence.authorization.validAfter: mismatch'],
    ['with an unknown member', { intentSignature: word(1) }, 'evidence.intentSignature: malformed'],
  ])('%s is a fault', async (_, changes, expected) => {
    const bodies = [byVanilla(changes)];
    const { first } = await signaturesOf(logOf(bodies));
    const full = first === undefined ? [...bodies, ended(word(9), { signature: signed.vanilla })] : bodies;
    expect(await faultOf(full)).toBe(expected);
  }); // prettier-ignore

  it.each<[string, () => EntryBody, string]>([
    ['whose intent is another', () => byBound({ intent: { ...intentFields(intent), maxAmount: '1' } }), 'evidence.intent: mismatch'],
    ['whose intent is of another agent', () => byBound({ intent: { ...intentFields(intent), agent: addressOf(other) } }), 'evidence.intent.agent: mismatch'],
    ['whose intent is missing', () => byBound({ intent: undefined }), 'evidence.authorization.validAfter: mismatch'],
    ['without the mark', () => byBound({ authorization: fieldsOf({ ...bound, validAfter: 0n }) }), 'evidence.authorization.validAfter: mismatch'],
    ['marked as not bound', () => byBound({}, { binding: 'none' }), 'binding: mismatch'],
    ['for another tool', () => byBound({}, { tool: 'lookup' }), 'tool: mismatch'],
    ['for another request', () => byBound({}, { request: word(3) }), 'request: mismatch'],
    ['counted in another asset', () => byBound({}, { payment: { asset: 'iso4217:USD' } }), 'payment.asset: mismatch'],
    ['counted in no asset', () => byBound({}, { payment: {} }), 'payment.asset: mismatch'],
    ['paid to another payee', () => byBound({}, { payment: { ...byBound().payment, payTo: addressOf(other) } }), 'payment.payTo: mismatch'],
    ['for another audience', () => byBound({ audience: 'https://other.example' }), 'evidence.audience: mismatch'],
    ['for no audience', () => byIntent({ audience: undefined }), 'evidence.audience: mismatch'],
    ['above what it signs', () => byBound({}, { amounts: { price: '20001' } }), 'amounts.price: mismatch'],
  ])('bound to a request: %s is a fault', async (_, body, expected) => {
    expect(await faultOf([body()])).toBe(expected);
  }); // prettier-ignore
});

/** Attack: an operator approves a parked call itself, and logs that its time ended, which needs no signature. */
it('finds an approval that nobody signed, whatever decision it states', async () => {
  const approved = { type: 'call.approved', at: START, call: word(9) } as const;
  for (const decision of ['expired', 'approved', 'refused']) {
    expect(await faultOf([{ ...approved, decision }]), decision).not.toBeUndefined();
  }
  expect(
    await faultOf([{ ...approved, type: 'call.refused', decision: 'expired' }]),
  ).toBeUndefined();
});
