import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Entry, EntryBody, Json } from '../../../src/protocol/entry.ts';
import { verifySignatures, verifySignedRun } from '../../../src/audit/signatures.ts';
import { type AccountId, accountId } from '../../../src/protocol/account-id.ts';
import type { Address, Hex } from '../../../src/core/hex.ts';
import { bytesOf, sha256Hex } from '../../../src/crypto/bytes.ts';
import { transferWithAuthorizationDigest } from '../../../src/protocol/x402/authorization.ts';
import {
  type AgentDelegation,
  delegationDigest,
  delegationFields,
} from '../../../src/protocol/intent/agent-delegation.ts';
import {
  type AgentIntent,
  intentDigest,
  intentFields,
} from '../../../src/protocol/intent/agent-intent.ts';
import {
  revocationDigest,
  revocationFields,
} from '../../../src/protocol/intent/agent-revocation.ts';
import { BOUND_VALID_AFTER, requestDigest } from '../../../src/protocol/intent/binding.ts';
import type { Token } from '../../../src/protocol/payment.ts';
import { tokenOf } from '../../../src/protocol/x402/tokens.ts';
import { history, START, word } from './history.ts';

const CHAIN = 84_532;
const payer = privateKeyToAccount(`0x${'11'.repeat(32)}`);
const other = privateKeyToAccount(`0x${'22'.repeat(32)}`);
const addressOf = (of: typeof payer): Address => of.address.toLowerCase() as Address;
const ACCOUNT: AccountId = accountId(`eip155:${CHAIN}`, addressOf(payer));
const OTHER: AccountId = accountId(`eip155:${CHAIN}`, addressOf(other));
const TOKEN = tokenOf(`eip155:${CHAIN}`) as Token;
const PAY_TO: Address = `0x${'0f'.repeat(20)}`;
const ZERO = word(0);

const intent: AgentIntent = {
  agent: addressOf(payer),
  audience: 'https://gateway.example',
  tool: 'translate',
  method: 'POST',
  target: '/tools/translate',
  contentType: 'application/json',
  payloadDigest: word(5),
  payTo: PAY_TO,
  asset: TOKEN.address,
  maxAmount: 20_000n,
  validAfter: BigInt(START),
  validBefore: BigInt(START + 300),
  nonce: word(6),
  authority: ZERO,
};
const digest = intentDigest(intent, CHAIN);
const authorizationOf = (nonce: Hex, validAfter: bigint) => ({
  from: addressOf(payer),
  to: PAY_TO,
  value: 20_000n,
  validAfter,
  validBefore: BigInt(START + 3_600),
  nonce,
});
const fieldsOf = (authorization: ReturnType<typeof authorizationOf>): Json => ({
  ...authorization,
  value: authorization.value.toString(),
  validAfter: authorization.validAfter.toString(),
  validBefore: authorization.validBefore.toString(),
});
const bound = authorizationOf(digest, BOUND_VALID_AFTER);
const vanilla = authorizationOf(word(9), 0n);
const tokenFields = { ...TOKEN } as unknown as Json;

/** The signatures of the fixtures below. */
let signed: {
  readonly intent: Hex;
  readonly bound: Hex;
  readonly vanilla: Hex;
  readonly grant: Hex;
  readonly revocation: Hex;
  readonly byOther: Hex;
  readonly request: Hex;
};

const delegation: AgentDelegation = {
  issuer: addressOf(payer),
  delegate: addressOf(other),
  audience: 'https://gateway.example',
  tools: ['*'],
  payees: [PAY_TO],
  asset: TOKEN.address,
  maxPerCall: 1_000n,
  maxTotal: 10_000n,
  windowSeconds: 0n,
  maxPerWindow: 0n,
  validAfter: BigInt(START),
  validUntil: BigInt(START + 86_400),
  epoch: 0n,
  depth: 0,
  id: word(77),
  parent: ZERO,
};
const grant = delegationDigest(delegation, CHAIN);
const revocation = { issuer: addressOf(payer), id: word(77), epoch: 0n, issuedAt: BigInt(START) };
const revoked = revocationDigest(revocation, CHAIN);

beforeAll(async () => {
  const transfer = (of: typeof bound) => transferWithAuthorizationDigest(TOKEN, of);
  signed = {
    intent: await payer.sign({ hash: digest }),
    bound: await payer.sign({ hash: transfer(bound) }),
    vanilla: await payer.sign({ hash: transfer(vanilla) }),
    grant: await payer.sign({ hash: grant }),
    revocation: await payer.sign({ hash: revoked }),
    byOther: await other.sign({ hash: digest }),
    request: await requestDigest(intent),
  };
});

type Evidence = { readonly [key: string]: Json | undefined };
const evidenceOf = (all: Evidence): { readonly [key: string]: Json } =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as never;

const accepted = (call: Hex, evidence: Evidence, more: Partial<EntryBody> = {}): EntryBody => ({
  type: 'call.accepted',
  at: START,
  call,
  tool: 'translate',
  request: signed.request,
  binding: 'intent',
  evidence: evidenceOf(evidence),
  decision: 'go',
  ...more,
});
const byIntent = (changes: Evidence = {}, more: Partial<EntryBody> = {}): EntryBody =>
  accepted(
    digest,
    {
      proof: 'intent',
      audience: intent.audience,
      intent: intentFields(intent),
      intentSignature: signed.intent,
      ...changes,
    },
    more,
  );
const byBound = (changes: Evidence = {}, more: Partial<EntryBody> = {}): EntryBody =>
  accepted(
    digest,
    {
      proof: 'x402',
      audience: intent.audience,
      token: tokenFields,
      authorization: fieldsOf(bound),
      signatureDigest: sha256Hex(bytesOf(signed.bound)),
      intent: intentFields(intent),
      ...changes,
    },
    more,
  );
const byVanilla = (changes: Evidence = {}, more: Partial<EntryBody> = {}): EntryBody =>
  accepted(
    word(9),
    {
      proof: 'x402',
      token: tokenFields,
      authorization: fieldsOf(vanilla),
      signatureDigest: sha256Hex(bytesOf(signed.vanilla)),
      ...changes,
    },
    { binding: 'none', request: word(1), ...more },
  );
const ended = (
  call: Hex,
  evidence: Evidence,
  type: EntryBody['type'] = 'payment.settled',
): EntryBody => ({ type, at: START + 9, call, tool: 'translate', evidence: evidenceOf(evidence) });
const granted = (changes: Evidence = {}, type: EntryBody['type'] = 'grant.issued'): EntryBody => ({
  type,
  at: START,
  evidence: evidenceOf({
    grant,
    delegation: delegationFields(delegation) as unknown as Json,
    signature: signed.grant,
    ...changes,
  }),
});
const taken = (changes: Evidence = {}): EntryBody => ({
  type: 'grant.revoked',
  at: START,
  evidence: evidenceOf({
    hash: revoked,
    revocation: revocationFields(revocation),
    signature: signed.revocation,
    ...changes,
  }),
});
const ordered = (
  changes: Evidence = {},
  type: EntryBody['type'] = 'account.status',
): EntryBody => ({
  type,
  at: START,
  decision: 'frozen',
  evidence: evidenceOf({
    order: intentFields(intent),
    signature: signed.intent,
    by: ACCOUNT,
    role: 'owner',
    ...changes,
  }),
});

const logOf = (bodies: readonly EntryBody[], account: AccountId = ACCOUNT): readonly Entry[] =>
  history(account, bodies);
const counts = async (...bodies: readonly EntryBody[]) => {
  const verified = await verifySignatures(logOf(bodies));
  if (!verified.ok) throw new Error(JSON.stringify(verified.error));
  return verified.value;
};
/** The fault of the last entry, as `field: fault`. */
const faultOf = async (bodies: readonly EntryBody[], account: AccountId = ACCOUNT) => {
  const verified = await verifySignatures(logOf(bodies, account));
  if (verified.ok) return undefined;
  expect(verified.error).toMatchObject({
    index: bodies.length - 1,
    seq: bodies.length,
    reason: 'unsigned',
  });
  return `${verified.error.field}: ${verified.error.fault}`;
};
const NONE = { recomputed: 0, byChain: [], sealed: 0, outside: 0 };
const flipped = (text: Hex): Hex =>
  `${text.slice(0, 20)}${text[20] === '0' ? '1' : '0'}${text.slice(21)}` as Hex;

describe('a log', () => {
  it('has each signature recomputed and counted', async () => {
    expect(await counts(byIntent())).toEqual({ ...NONE, recomputed: 1 });
    expect(await counts(byBound(), ended(digest, { signature: signed.bound }))).toEqual({
      ...NONE,
      recomputed: 1,
    });
    expect(
      await counts(byVanilla(), ended(word(9), { signature: signed.vanilla }, 'payment.failed')),
    ).toEqual({ ...NONE, recomputed: 1 });
    expect(await counts(granted(), taken(), ordered())).toEqual({ ...NONE, recomputed: 3 });
  });

  it('is verified with its chain', async () => {
    const log = logOf([byIntent(), granted()]);
    expect(await verifySignedRun(log)).toMatchObject({
      ok: true,
      value: { first: 1, last: 2, signatures: { recomputed: 2 } },
    });
    expect(await verifySignedRun(log.slice(1), { after: { seq: 0, hash: ZERO } })).toMatchObject({
      ok: false,
      error: { reason: 'seq' },
    });
    expect(await verifySignedRun(logOf([granted({ signature: signed.intent })]))).toMatchObject({
      ok: false,
      error: { index: 0, seq: 1, reason: 'unsigned', field: 'evidence.signature' },
    });
  });

  it('may hold entries that need no signature', async () => {
    const types = ['call.denied', 'call.dispatched', 'call.finished', 'alert.raised'] as const;
    for (const type of types) {
      expect(await counts({ type, at: START })).toEqual(NONE);
      const evidence = { signature: signed.intent };
      expect(await faultOf([{ type, at: START, evidence }])).toBe('evidence: unexpected');
    }
  });
});

describe('a payment', () => {
  it('is sealed until it ends', async () => {
    expect(await counts(byVanilla(), byBound())).toEqual({ ...NONE, sealed: 2 });
  });

  it('may lack its signature only if the account erased it before', async () => {
    const release = ended(word(9), {}, 'payment.released');
    const { evidence: _, ...bare } = release;
    const finished: EntryBody = { ...bare, type: 'call.finished', payment: { state: 'released' } };
    expect(await counts(byVanilla(), bare, ended(word(9), {}))).toEqual({ ...NONE, sealed: 1 });
    expect(await counts(byVanilla(), finished, ended(word(9), {}))).toEqual({ ...NONE, sealed: 1 });
    const reveal = ended(word(9), { signature: signed.vanilla }, 'payment.failed');
    expect(await counts(byVanilla(), reveal, ended(word(9), {}))).toEqual({
      ...NONE,
      recomputed: 1,
    });
    expect(await faultOf([byVanilla(), ended(word(9), {})])).toBe('evidence.signature: missing');
  });

  it('written off by an operator has two signatures', async () => {
    const writtenOff = (changes: Evidence) => ({
      ...ordered({ paymentSignature: signed.vanilla, ...changes }, 'payment.failed'),
      call: word(9),
    });
    expect(await counts(byVanilla(), writtenOff({}))).toEqual({ ...NONE, recomputed: 2 });
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
    expect(await verifySignatures(later)).toEqual({ ok: true, value: { ...NONE, outside: 1 } });
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
    const atOnce = await verifySignatures(logOf(bodies));
    const full = atOnce.ok ? [...bodies, ended(word(9), { signature: signed.vanilla })] : bodies;
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
  ])('bound to a request: %s is a fault', async (_, body, expected) => {
    expect(await faultOf([body()])).toBe(expected);
  }); // prettier-ignore
});

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
  it('is counted with its block, never as recomputed', async () => {
    const contract = { contractCheckedAt: 12, intentSignature: `0x${'ab'.repeat(70)}` };
    expect(await counts(byIntent(contract))).toEqual({ ...NONE, byChain: [{ seq: 1, block: 12 }] });
    expect(
      await counts(
        byVanilla({
          contractCheckedAt: 7,
          signatureDigest: sha256Hex(bytesOf(`0x${'ab'.repeat(70)}`)),
        }),
        ended(word(9), { signature: `0x${'ab'.repeat(70)}` }),
      ),
    ).toEqual({ ...NONE, byChain: [{ seq: 1, block: 7 }] });
    const at = { contractCheckedAt: 3, signature: '0xabcd' };
    expect(await counts(granted(at), taken(at), ordered(at))).toEqual({
      ...NONE,
      byChain: [1, 2, 3].map((seq) => ({ seq, block: 3 })),
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
    expect((await verifySignatures(logOf([granted()], OTHER))).ok).toBe(true);
  });

  it('also proves the statuses, policies and webhooks that it removed', async () => {
    for (const type of ['account.status', 'account.policy', 'webhook.removed'] as const) {
      const bodies = [
        { ...granted(), type },
        { ...taken({ policy: null }), type },
        ordered({}, type),
      ];
      expect(await counts(...bodies)).toEqual({ ...NONE, recomputed: 3 });
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
        recomputed: 2,
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
      [{ consent: { ...byVanilla().evidence } as Json }, 'evidence.consent.intent: missing'],
    ] as const; // prettier-ignore
    for (const [changes, expected] of faults) {
      expect(await faultOf([granted(changes, 'grant.taken')])).toBe(expected);
    }
  });
});
