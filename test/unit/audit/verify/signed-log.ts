/** Entries whose evidence fixed keys have signed, and the findings of the check of signatures about logs of them. */
import { privateKeyToAccount } from 'viem/accounts';
import { expect } from 'vitest';
import { signaturesOf } from '../../../support/verify-log.ts';
import type { Address, Hex } from '../../../../src/core/hex.ts';
import { bytesOf, sha256Hex } from '../../../../src/crypto/bytes.ts';
import { type AccountId, accountId, assetId } from '../../../../src/protocol/account-id.ts';
import type { Entry, EntryBody, Json } from '../../../../src/protocol/entry.ts';
import {
  type AgentDelegation,
  delegationDigest,
  delegationFields,
} from '../../../../src/protocol/intent/agent-delegation.ts';
import {
  type AgentIntent,
  intentDigest,
  intentFields,
} from '../../../../src/protocol/intent/agent-intent.ts';
import {
  revocationDigest,
  revocationFields,
} from '../../../../src/protocol/intent/agent-revocation.ts';
import { BOUND_VALID_AFTER, requestDigest } from '../../../../src/protocol/intent/binding.ts';
import type { Token } from '../../../../src/protocol/payment.ts';
import { transferWithAuthorizationDigest } from '../../../../src/protocol/x402/authorization.ts';
import { tokenOf } from '../../../../src/protocol/x402/networks.ts';
import { history, START, word } from '../history.ts';

export const CHAIN = 84_532;
export const payer = privateKeyToAccount(`0x${'11'.repeat(32)}`);
export const other = privateKeyToAccount(`0x${'22'.repeat(32)}`);
export const addressOf = (of: typeof payer): Address => of.address.toLowerCase() as Address;
export const ACCOUNT: AccountId = accountId(`eip155:${CHAIN}`, addressOf(payer));
export const OTHER: AccountId = accountId(`eip155:${CHAIN}`, addressOf(other));
export const TOKEN = tokenOf(`eip155:${CHAIN}`) as Token;
export const PAY_TO: Address = `0x${'0f'.repeat(20)}`;
export const ZERO = word(0);

export const intent: AgentIntent = {
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
export const digest = intentDigest(intent, CHAIN);
const authorizationOf = (nonce: Hex, validAfter: bigint) => ({
  from: addressOf(payer),
  to: PAY_TO,
  value: 20_000n,
  validAfter,
  validBefore: BigInt(START + 3_600),
  nonce,
});
export const fieldsOf = (authorization: ReturnType<typeof authorizationOf>): Json => ({
  ...authorization,
  value: authorization.value.toString(),
  validAfter: authorization.validAfter.toString(),
  validBefore: authorization.validBefore.toString(),
});
export const bound = authorizationOf(digest, BOUND_VALID_AFTER);
export const vanilla = authorizationOf(word(9), 0n);
const tokenFields = { ...TOKEN } as unknown as Json;

export const delegation: AgentDelegation = {
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
export const grant = delegationDigest(delegation, CHAIN);
export const revocation = {
  issuer: addressOf(payer),
  id: word(77),
  epoch: 0n,
  issuedAt: BigInt(START),
};
const revoked = revocationDigest(revocation, CHAIN);

const transfer = (of: typeof bound): Hex => transferWithAuthorizationDigest(TOKEN, of);

/** The signatures in the fixtures above. */
export const signed = {
  intent: await payer.sign({ hash: digest }),
  bound: await payer.sign({ hash: transfer(bound) }),
  vanilla: await payer.sign({ hash: transfer(vanilla) }),
  grant: await payer.sign({ hash: grant }),
  revocation: await payer.sign({ hash: revoked }),
  byOther: await other.sign({ hash: digest }),
  request: await requestDigest(intent),
};

export type Evidence = { readonly [key: string]: Json | undefined };
export const evidenceOf = (all: Evidence): { readonly [key: string]: Json } =>
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
  amounts: { price: '20000' },
  payment: { asset: assetId(`eip155:${CHAIN}`, TOKEN.address), payTo: PAY_TO },
  ...more,
});
export const byIntent = (changes: Evidence = {}, more: Partial<EntryBody> = {}): EntryBody =>
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
export const byBound = (changes: Evidence = {}, more: Partial<EntryBody> = {}): EntryBody =>
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
export const byVanilla = (changes: Evidence = {}, more: Partial<EntryBody> = {}): EntryBody =>
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
export const ended = (
  call: Hex,
  evidence: Evidence,
  type: EntryBody['type'] = 'payment.settled',
): EntryBody => ({ type, at: START + 9, call, tool: 'translate', evidence: evidenceOf(evidence) });
export const granted = (
  changes: Evidence = {},
  type: EntryBody['type'] = 'grant.issued',
): EntryBody => ({
  type,
  at: START,
  evidence: evidenceOf({
    grant,
    delegation: delegationFields(delegation) as unknown as Json,
    signature: signed.grant,
    ...changes,
  }),
});
export const taken = (changes: Evidence = {}): EntryBody => ({
  type: 'grant.revoked',
  at: START,
  evidence: evidenceOf({
    hash: revoked,
    revocation: revocationFields(revocation),
    signature: signed.revocation,
    ...changes,
  }),
});

/** An intent for a route of the management API, signed by the account. */
export const signedCommand = async (
  fields: Pick<AgentIntent, 'method' | 'target'>,
): Promise<{ readonly order: Json; readonly signature: Hex }> => {
  const own = { ...intent, tool: 'countersign.admin', ...fields };
  return {
    order: intentFields(own),
    signature: await payer.sign({ hash: intentDigest(own, CHAIN) }),
  };
};
const frozen = await signedCommand({ method: 'PUT', target: `/accounts/${ACCOUNT}/status` });
/** A command with which the account freezes itself. */
export const ordered = (
  changes: Evidence = {},
  type: EntryBody['type'] = 'account.status',
): EntryBody => ({
  type,
  at: START,
  decision: 'frozen',
  evidence: evidenceOf({ ...frozen, by: ACCOUNT, role: 'owner', ...changes }),
});

export const logOf = (
  bodies: readonly EntryBody[],
  account: AccountId = ACCOUNT,
): readonly Entry[] => history(account, bodies);
export const counts = async (...bodies: readonly EntryBody[]) => {
  const { first, checked, bounded, unchecked } = await signaturesOf(logOf(bodies));
  if (first !== undefined) throw new Error(JSON.stringify(first));
  return { proved: checked - bounded, bounded, unchecked };
};
/** The fault of the last entry, as `field: fault`. */
export const faultOf = async (bodies: readonly EntryBody[], account: AccountId = ACCOUNT) => {
  const { first } = await signaturesOf(logOf(bodies, account));
  if (first === undefined) return undefined;
  expect(first).toMatchObject({ account, seq: bodies.length, line: bodies.length });
  return `${first.field}: ${first.reason}`;
};
export const NONE = { proved: 0, bounded: 0, unchecked: 0 };
export const flipped = (text: Hex): Hex =>
  `${text.slice(0, 20)}${text[20] === '0' ? '1' : '0'}${text.slice(21)}` as Hex;
