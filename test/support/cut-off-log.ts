/**
 * Unsigned chains of four accounts: an owner, its child (the chief), the chief's child (the manager) and the manager's child (the agent),
 * whose log names a cut-off ancestor.
 */
import type { Address, Hex } from '../../src/core/hex.ts';
import { ZERO_HASH } from '../../src/core/hex.ts';
import { textHash } from '../../src/audit/verify/logged-text.ts';
import { type AccountId, accountId, assetId } from '../../src/protocol/account-id.ts';
import type { Entry, EntryBody, Json } from '../../src/protocol/entry.ts';
import { delegationDigest, delegationFields } from '../../src/protocol/intent/agent-delegation.ts';
import { history, START, word } from '../unit/audit/history.ts';

const CHAIN = 84_532;
const ON = `eip155:${CHAIN}` as const;
const TOKEN: Address = `0x${'70'.repeat(20)}`;
const PAY_TO: Address = `0x${'0f'.repeat(20)}`;
const AUDIENCE = 'https://gateway.example';
const addressOf = (digits: string): Address => `0x${digits.repeat(20)}`;
const [OWNER_KEY, CHIEF_KEY, MANAGER_KEY, AGENT_KEY] = ['41', '42', '43', '44'].map(addressOf) as [
  Address,
  Address,
  Address,
  Address,
];
const STRANGER_KEY = addressOf('45');

export const OWNER = accountId(ON, OWNER_KEY);
export const CHIEF = accountId(ON, CHIEF_KEY);
export const MANAGER = accountId(ON, MANAGER_KEY);
export const AGENT = accountId(ON, AGENT_KEY);
export const STRANGER = accountId(ON, STRANGER_KEY);

const grantOf = (issuer: Address, delegate: Address, id: number, parent: Hex = ZERO_HASH) => {
  const fields = {
    ...{ issuer, delegate, parent, audience: AUDIENCE, tools: ['*'], payees: [PAY_TO] },
    ...{ asset: TOKEN, maxPerCall: 1_000_000n, maxTotal: 1_000_000n, windowSeconds: 0n },
    ...{ maxPerWindow: 0n, validAfter: 0n, validUntil: BigInt(START + 1_000_000), epoch: 0n },
    ...{ depth: 3, id: word(id) },
  };
  const grant = delegationDigest(fields, CHAIN);
  const delegation = delegationFields(fields) as unknown as Json;
  return { grant, id: fields.id, evidence: { grant, delegation, signature: word(9) } };
};

const upper = grantOf(OWNER_KEY, CHIEF_KEY, 1);
const middle = grantOf(CHIEF_KEY, MANAGER_KEY, 2, upper.grant);
const lower = grantOf(MANAGER_KEY, AGENT_KEY, 3, middle.grant);

const taken = ({ evidence }: typeof upper, ...above: readonly AccountId[]): EntryBody => ({
  ...{ type: 'grant.taken', at: START, evidence, outcome: { above } },
});
const issued = ({ evidence }: typeof upper): EntryBody => ({
  ...{ type: 'grant.issued', at: START, decision: 'active', evidence },
});
const revoked = (id: Hex, epoch = '0'): EntryBody => ({
  ...{ type: 'grant.revoked', at: START + 100, evidence: { revocation: { id, epoch } } },
});

/** What an ancestor did before the agent's log named the cut-off. */
export const DEEDS = {
  'the owner revokes the grant of the chief': { of: OWNER, body: revoked(upper.id) },
  'the owner revokes all its grants': { of: OWNER, body: revoked(word(0), '1') },
  'the account of the owner is revoked': {
    of: OWNER,
    body: { type: 'account.status', at: START + 100, outcome: { status: 'revoked' } },
  },
  'the owner revokes another grant': { of: OWNER, body: revoked(word(7)) },
  'the chief revokes the grant of the manager': { of: CHIEF, body: revoked(middle.id) },
  'the chief gives up its own grant': { of: CHIEF, body: revoked(upper.id) },
  'the chief takes a grant of a stranger': {
    of: CHIEF,
    body: { ...taken(grantOf(STRANGER_KEY, CHIEF_KEY, 4), STRANGER), at: START + 100 },
  },
} as const satisfies Readonly<Record<string, { readonly of: AccountId; readonly body: EntryBody }>>;

/** An entry of the agent that lists its remaining ancestors. */
export const naming = (ancestors: Json, type: EntryBody['type'] = 'alert.raised'): EntryBody => ({
  ...(type === 'grant.taken' ? taken(lower) : { type }),
  at: START + 110,
  outcome: { ...(type === 'grant.taken' ? { above: [MANAGER, CHIEF, OWNER] } : {}), ancestors },
});

/** A free call of the agent under its grant. */
export const LATER_CALL: EntryBody = {
  ...{ type: 'call.accepted', at: START + 120, call: word(20), tool: 'translate', decision: 'go' },
  ...{ request: word(21), binding: 'intent', policy: word(22), amounts: { price: '0' } },
  evidence: {
    audience: AUDIENCE,
    validBefore: START + 1_000,
    policies: [
      { kind: 'default', account: AGENT, hash: textHash({ windows: [] }) },
      { kind: 'grant', account: AGENT, hash: lower.grant },
      { kind: 'grant', account: MANAGER, hash: middle.grant },
      { kind: 'grant', account: CHIEF, hash: upper.grant },
    ],
  },
  payment: { asset: assetId(ON, TOKEN), payTo: PAY_TO, paidBy: 'free', grant: lower.grant },
};

/** Builds the chains by account. `deed`: what an ancestor did; `own`: the entries of the agent after `grant.taken`. */
export const cutOffLog = (
  deed: keyof typeof DEEDS | undefined,
  own: readonly EntryBody[],
): ReadonlyMap<AccountId, readonly Entry[]> => {
  const above: Readonly<Record<AccountId, readonly EntryBody[]>> = {
    [OWNER]: [issued(upper)],
    [CHIEF]: [taken(upper, OWNER), issued(middle)],
    [MANAGER]: [taken(middle, CHIEF, OWNER), issued(lower)],
    [AGENT]: [taken(lower, MANAGER, CHIEF, OWNER), ...own],
  };
  const { of, body } = deed === undefined ? {} : DEEDS[deed];
  return new Map(
    Object.entries(above).map(([account, bodies]) => [
      account as AccountId,
      history(account as AccountId, account === of && body ? [...bodies, body] : bodies),
    ]),
  );
};
