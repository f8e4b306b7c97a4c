import type { Members, PartName, Signed } from './declaration.ts';

const INTENT = {
  ...{ agent: 'text', audience: 'text', tool: 'text', method: 'text', target: 'text' },
  ...{ contentType: 'text', payloadDigest: 'text', payTo: 'text', asset: 'text' },
  ...{ maxAmount: 'text', validAfter: 'text', validBefore: 'text', nonce: 'text' },
  authority: 'text',
} as const satisfies Members;

const DELEGATION = {
  ...{ issuer: 'text', delegate: 'text', audience: 'text', tools: 'texts', payees: 'texts' },
  ...{ asset: 'text', maxPerCall: 'text', maxTotal: 'text', windowSeconds: 'text' },
  ...{ maxPerWindow: 'text', validAfter: 'text', validUntil: 'text', id: 'text', epoch: 'text' },
  ...{ parent: 'text', depth: 'text' },
} as const satisfies Members;

/** The objects inside of members; in a list: the form of each object of a list. */
export const PARTS = {
  limit: {
    ...{ rule: 'text', limit: 'text', spent: 'text', held: 'text', remaining: 'text' },
    ...{ resetsAt: 'number?', window: 'number?', account: 'text?' },
  },
  policies: [{ kind: 'text', account: 'text', hash: 'text' }],
  intent: INTENT,
  authorization: {
    ...{ from: 'text', to: 'text', value: 'text', validAfter: 'text', validBefore: 'text' },
    nonce: 'text',
  },
  delegation: DELEGATION,
  revocation: { issuer: 'text', id: 'text', epoch: 'text' },
} as const satisfies Readonly<Record<PartName, Members | readonly [Members]>>;

const CONTRACT = { contractCheckedAt: 'number?' } as const satisfies Members;

const TEXTS = { document: 'json?', policy: 'json?' } as const satisfies Members;

const PROOF = {
  ...{ proof: 'text', audience: 'text?', authorization: 'authorization?', intent: 'intent?' },
  ...{ policies: 'policies?', params: 'json?', terms: 'text?', facilitator: 'text?' },
  ...{ ...CONTRACT, ...TEXTS },
} as const satisfies Members;

const COMMAND = {
  ...{ order: 'intent', signature: 'text', by: 'text', role: 'text' },
  ...{ ...CONTRACT, ...TEXTS },
  grant: 'text?',
} as const satisfies Members;

const GRANT = {
  ...{ grant: 'text', delegation: 'delegation', signature: 'text', consent: 'json?' },
  ...CONTRACT,
} as const satisfies Members;

const REVOCATION = {
  ...{ revocation: 'revocation', hash: 'text', signature: 'text' },
  ...CONTRACT,
} as const satisfies Members;

/** The members of an entry's evidence, by the signed data that it contains. Declares forms only: an auditor verifies the signatures. */
export const EVIDENCE = {
  proof: PROOF,
  denial: { ...PROOF, validBefore: 'number' },
  reveal: { ...COMMAND, paymentSignature: 'text?' },
  grant: GRANT,
  revocation: REVOCATION,
  order: COMMAND,
  approval: COMMAND,
  any: { ...GRANT, ...REVOCATION, ...COMMAND },
  text: TEXTS,
  lease: {},
  nothing: {},
} as const satisfies Readonly<Record<Signed, Members>>;
