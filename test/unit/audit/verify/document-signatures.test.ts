import { describe, expect, it } from 'vitest';
import { signaturesOf } from '../../../support/verify-log.ts';
import { bytesOf, sha256Hex } from '../../../../src/crypto/bytes.ts';
import { accountId } from '../../../../src/protocol/account-id.ts';
import type { EntryBody, Json } from '../../../../src/protocol/entry.ts';
import { delegationFields } from '../../../../src/protocol/intent/agent-delegation.ts';
import {
  type AgentIntent,
  intentDigest,
  intentFields,
} from '../../../../src/protocol/intent/agent-intent.ts';
import { revocationFields } from '../../../../src/protocol/intent/agent-revocation.ts';
import { START, word } from '../history.ts';
import {
  addressOf,
  byBound,
  byIntent,
  byVanilla,
  CHAIN,
  counts,
  delegation,
  ended,
  type Evidence,
  evidenceOf,
  faultOf,
  flipped,
  grant,
  granted,
  intent,
  logOf,
  NONE,
  ordered,
  other,
  OTHER,
  payer,
  revocation,
  signed,
  taken,
} from './signed-log.ts';

describe('an intent', () => {
  it.each<[string, () => EntryBody, string]>([
    ['without its signature', () => byIntent({ intentSignature: undefined }), 'evidence.intentSignature: missing'],
    ['that another key signed', () => byIntent({ intentSignature: signed.byOther }), 'evidence.intentSignature: wrong_signer'],
    ['whose signature is altered', () => byIntent({ intentSignature: flipped(signed.intent) }), 'evidence.intentSignature: wrong_signer'],
    ['whose signature is cut short', () => byIntent({ intentSignature: signed.intent.slice(0, -2) }), 'evidence.intentSignature: signature_length'],
    ['that is no hex', () => byIntent({ intentSignature: 'yes' }), 'evidence.intentSignature: malformed'],
    ['that was altered', () => byIntent({ intent: { ...intentFields(intent), maxAmount: '1' } }), 'evidence.intent: mismatch'],
    ['of another agent', () => byIntent({ intent: { ...intentFields(intent), agent: addressOf(other) } }), 'evidence.intent.agent: mismatch'],
    ['that also has members of a payment', () => byIntent({ signatureDigest: word(1) }), 'evidence.signatureDigest: malformed'],
    ['that is missing', () => byIntent({ intent: undefined }), 'evidence.intent: missing'],
    ['of no known form', () => byIntent({ proof: 'wish' }), 'evidence.proof: malformed'],
    ['for another call', () => byIntent({}, { call: word(2) }), 'evidence.intent: mismatch'],
    ['for no call', () => { const { call: _, ...rest } = byIntent(); return rest; }, 'call: missing'],
    ['without evidence', () => { const { evidence: _, ...rest } = byIntent(); return rest; }, 'evidence: missing'],
  ])('%s is a fault', async (_, body, expected) => {
    expect(await faultOf([body()])).toMatch(expected);
  }); // prettier-ignore

  it('is checked for the chain and address of its account', async () => {
    expect(await faultOf([byIntent()], OTHER)).toBe('evidence.intent.agent: mismatch');
    expect(await faultOf([byIntent()], accountId('eip155:8453', addressOf(payer)))).toBe(
      'evidence.intent: mismatch',
    );
  });
});

describe('a signature of a contract', () => {
  it('is bounded, never proved', async () => {
    const contract = { contractCheckedAt: 12, intentSignature: `0x${'ab'.repeat(70)}` };
    expect(await counts(byIntent(contract))).toEqual({ ...NONE, bounded: 1 });
    expect(
      await counts(
        byVanilla({
          contractCheckedAt: 7,
          signatureDigest: sha256Hex(bytesOf(`0x${'ab'.repeat(70)}`)),
        }),
        ended(word(9), { signature: `0x${'ab'.repeat(70)}` }),
      ),
    ).toEqual({ ...NONE, bounded: 1 });
    const at = { contractCheckedAt: 3, signature: '0xabcd' };
    expect(await counts(granted(at), taken(at), ordered(at))).toEqual({
      ...NONE,
      bounded: 3,
    });
  });

  it('still needs its fields, digest and signature', async () => {
    const at = { contractCheckedAt: 3 };
    expect(await faultOf([byIntent({ ...at, intentSignature: undefined })])).toBe(
      'evidence.intentSignature: missing',
    );
    expect(await faultOf([byVanilla(at), ended(word(9), { signature: signed.bound })])).toBe(
      'evidence.signature: mismatch',
    );
    expect(await faultOf([granted({ ...at, grant: word(1) })])).toBe('evidence.grant: mismatch');
    expect(await faultOf([byIntent({ contractCheckedAt: -1 })])).toBe(
      'evidence.contractCheckedAt: malformed',
    );
  });
});

describe('a document', () => {
  const wide = () => ({
    delegation: delegationFields({ ...delegation, maxTotal: 1n }) as unknown as Json,
  });
  it.each<[string, () => EntryBody, string]>([
    ['a grant that was widened', () => granted(wide()), 'evidence.grant: mismatch'],
    ['a grant without its signature', () => granted({ signature: undefined }), 'evidence.signature: missing'],
    ['a grant that another signed', () => granted({ signature: signed.revocation }), 'evidence.signature: wrong_signer'],
    ['a grant that is missing', () => ({ type: 'grant.taken', at: START }), 'evidence: missing'],
    ['a revocation of another id', () => taken({ revocation: { ...revocationFields(revocation), id: word(1) } }), 'evidence.hash: mismatch'],
    ['a revocation without its signature', () => taken({ signature: undefined }), 'evidence.signature: missing'],
    ['a revocation that another signed', () => taken({ signature: signed.grant }), 'evidence.signature: wrong_signer'],
    ['a command without its signature', () => ordered({ signature: undefined }), 'evidence.signature: missing'],
    ['a command without a signer', () => ordered({ by: undefined }), 'evidence.by: missing'],
    ['a command of another account', () => ordered({ by: OTHER }), 'evidence.order.agent: mismatch'],
    ['a command from another chain', () => ordered({ by: accountId('eip155:8453', addressOf(payer)) }), 'evidence.signature: wrong_signer'],
    ['a command signed by another account', () => ordered({ signature: signed.byOther }), 'evidence.signature: wrong_signer'],
    ['a missing command', () => ({ type: 'tool.put', at: START }), 'evidence: missing'],
    ['a status by a grant that was widened', () => ({ ...granted(wide()), type: 'account.status' }), 'evidence.grant: mismatch'],
    ['a policy that a bad revocation removed', () => ({ ...taken({ hash: word(1) }), type: 'account.policy' }), 'evidence.hash: mismatch'],
  ])('%s is a fault', async (_, body, expected) => {
    expect(await faultOf([body()])).toBe(expected);
  }); // prettier-ignore

  it('is rejected in the log of a third account', async () => {
    const stranger = accountId(`eip155:${CHAIN}`, `0x${'33'.repeat(20)}`);
    expect(await faultOf([granted()], stranger)).toBe('evidence.delegation: mismatch');
    expect(await faultOf([taken()], OTHER)).toBe('evidence.revocation.issuer: mismatch');
    expect(await signaturesOf(logOf([granted()], OTHER))).toMatchObject({ verdict: 'proved' });
  });

  it('also proves the statuses, policies and webhooks that it removed', async () => {
    for (const type of ['account.status', 'account.policy', 'webhook.removed'] as const) {
      const bodies = [
        { ...granted(), type },
        { ...taken({ policy: null }), type },
      ];
      expect(await counts(...bodies)).toEqual({ ...NONE, proved: 2 });
    }
  });
});

describe('a consent', () => {
  /** A consent: the proof of an intent with these fields. */
  const consent = async (fields: Partial<AgentIntent>, changes: Evidence = {}) => {
    const own = { ...intent, ...fields };
    return {
      consent: evidenceOf({
        proof: 'intent',
        audience: own.audience,
        intent: intentFields(own),
        intentSignature: await payer.sign({ hash: intentDigest(own, CHAIN) }),
        ...changes,
      }) as Json,
    };
  };
  const naming = { authority: grant };

  it('is recomputed with its grant, whether it names the grant or registers it', async () => {
    for (const fields of [naming, { tool: 'countersign.delegations', method: 'PUT' }]) {
      expect(await counts(granted(await consent(fields), 'grant.taken'))).toEqual({
        ...NONE,
        proved: 2,
      });
    }
    const byPayment = { consent: { ...byBound().evidence } as Json };
    expect(await faultOf([granted(byPayment, 'grant.taken')])).toBe(
      'evidence.consent.intent.authority: mismatch',
    );
  });

  it('is a fault if it is missing, another’s, or for something else', async () => {
    const faults = [
      [{}, 'evidence.consent: missing'],
      [await consent(naming, { intentSignature: undefined }), 'evidence.consent.intentSignature: missing'],
      [await consent(naming, { intentSignature: signed.byOther }), 'evidence.consent.intentSignature: wrong_signer'],
      [await consent({}), 'evidence.consent.intent.authority: mismatch'],
      [await consent(naming, { audience: 'https://other.example' }), 'evidence.consent.audience: mismatch'],
      [{ consent: { ...byVanilla().evidence } as Json }, 'evidence.consent.intent: missing'],
    ] as const; // prettier-ignore
    for (const [changes, expected] of faults) {
      expect(await faultOf([granted(changes, 'grant.taken')])).toBe(expected);
    }
  });
});
