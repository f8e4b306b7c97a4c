import { evictDurableObject } from 'cloudflare:test';
import { vi } from 'vitest';
import { nowSeconds } from '../../src/core/clock.ts';
import type { Hex } from '../../src/core/hex.ts';
import { ANY_PAYEE } from '../../src/policy/rules/payees.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { ReserveVerdict } from '../../src/protocol/account/call-verdict.ts';
import type { Evidence, Outcome } from '../../src/protocol/account/call.ts';
import type { CommandVerdict } from '../../src/protocol/account/command-verdict.ts';
import type { CommandIntent, Status } from '../../src/protocol/account/command.ts';
import type { Denial } from '../../src/protocol/account/denial.ts';
import type { Consent, SignedGrant } from '../../src/protocol/account/grant.ts';
import type {
  LeaseRequest,
  LeaseVerdict,
  Recall,
  Returned,
} from '../../src/protocol/account/lease.ts';
import {
  type AgentDelegation,
  delegationDigest,
} from '../../src/protocol/intent/agent-delegation.ts';
import { AgentAccount } from '../../durable-objects/account/agent-account.ts';
import type { Write } from '../../durable-objects/store/noun.ts';
import {
  factsOf,
  intentCallOf,
  onDisk,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  token,
  topUp,
} from './support.ts';

export const CHAIN = 84532;
export const ZERO: Hex = `0x${'00'.repeat(32)}`;
export const AUDIENCE = 'https://gateway.example';
const UNLIMITED = 9_007_199_254_740_991n;
/** Seconds of a window that does not end during a test, unless the test moves the clock. */
export const LONG = 1_000_000;
/** All grants end at the same time, so that a grant created a second later does not outlive its parent. */
const FOREVER = BigInt(nowSeconds() + 90 * 86_400);

/** A grant with an arbitrary signature. The account relies on the gateway's verification. */
export const grantOf = (
  issuer: Hex,
  delegate: Hex,
  changes: Partial<AgentDelegation> = {},
): SignedGrant => {
  const delegation: AgentDelegation = {
    issuer,
    delegate,
    audience: AUDIENCE,
    tools: ['*'],
    payees: [ANY_PAYEE],
    asset: token.address,
    maxPerCall: UNLIMITED,
    maxTotal: UNLIMITED,
    windowSeconds: 0n,
    maxPerWindow: 0n,
    validAfter: 0n,
    validUntil: FOREVER,
    epoch: 0n,
    depth: 0,
    id: randomHex(32),
    parent: ZERO,
    ...changes,
  };
  return {
    hash: delegationDigest(delegation, CHAIN),
    chainId: CHAIN,
    delegation,
    signature: `0x${'44'.repeat(65)}`,
  };
};

/** A delegate's consent with an arbitrary signature. The account relies on the gateway's verification. */
export const consent = (): Consent => ({
  id: randomHex(32),
  proof: 'intent',
  intent: { fields: { tool: 'countersign.delegations' }, signature: `0x${'77'.repeat(65)}` },
});

/** Registers a grant without its delegate's consent, as the gateway does: at its issuer only. */
export const offer = (grant: SignedGrant, balance = 1n): Promise<CommandVerdict> =>
  stubOf(grant.delegation.issuer).apply({
    ...{ kind: 'issue', grant, facts: factsOf(balance), consent: false },
  });

/** Registers a grant as the gateway does with its delegate's consent: at its issuer, then at its delegate. */
export const register = async (grant: SignedGrant, given = consent()): Promise<CommandVerdict> => {
  const { issuer, delegate } = grant.delegation;
  const command = { kind: 'issue', grant, facts: factsOf(1n), consent: true } as const;
  const issued = await stubOf(issuer).apply(command);
  if (issued.verdict !== 'applied') return issued;
  const { chain = [] } = issued;
  return stubOf(delegate).apply({ kind: 'take', grant, chain, consent: given });
};

/** Registers a grant. @throws Error if an account refuses it. */
export const enrol = async (
  issuer: Hex,
  delegate: Hex,
  changes: Partial<AgentDelegation> = {},
): Promise<SignedGrant> => {
  const grant = grantOf(issuer, delegate, changes);
  const verdict = await register(grant);
  if (verdict.verdict !== 'applied') throw new Error(JSON.stringify(verdict));
  return grant;
};

const intent: CommandIntent = { fields: {}, signature: `0x${'55'.repeat(65)}` };

export const setStatus = (payer: Hex, status: Status): Promise<CommandVerdict> =>
  stubOf(payer).apply({ kind: 'status', status, intent });

export const setPolicy = async (
  payer: Hex,
  document: unknown,
  slot: 'operator' | 'owner' = 'operator',
): Promise<CommandVerdict> => stubOf(payer).apply({ kind: 'policy', slot, document, intent });

export const revoke = (issuer: Hex, id: Hex, epoch = 0n): Promise<CommandVerdict> =>
  stubOf(issuer).apply({
    kind: 'revoke',
    revocation: { issuer, id, epoch, issuedAt: BigInt(nowSeconds()) },
    hash: randomHex(32),
    signature: `0x${'66'.repeat(65)}`,
    facts: factsOf(1n),
  });

type CallChanges = Parameters<typeof intentCallOf>[1];

/** Makes one call paid from own or lent credit: reserves it, and finishes it if the verdict is `go`. */
export const callOnce = async (
  payer: Hex,
  price: bigint,
  changes: CallChanges = {},
  outcome: Outcome = success,
): Promise<ReserveVerdict> => {
  const call = intentCallOf(payer, { price, settlement: 'credit', audience: AUDIENCE, ...changes });
  const attempt = randomHex(16);
  const evidence: Evidence = {};
  let verdict: ReserveVerdict = await stubOf(payer).reserve(call, attempt, evidence);
  if (verdict.verdict === 'stale_payer') {
    verdict = await stubOf(payer).reserve(call, attempt, { facts: factsOf(0n) });
  }
  // Do as the gateway does: look for an offered grant, find none, and reserve again.
  if (verdict.verdict === 'unknown_grant') {
    const facts = factsOf(0n);
    verdict = await stubOf(payer).reserve(call, attempt, { facts, soughtGrant: true });
  }
  if (verdict.verdict === 'go') await stubOf(payer).finish(call.id, attempt, outcome);
  return verdict;
};

/** The rule that denied the call, or the verdict. */
export const ruleOf = (verdict: ReserveVerdict): string =>
  verdict.verdict === 'denied' ? verdict.denial.rule : verdict.verdict;

const realNow = Date.now.bind(Date);
let ahead = 0;

/** Moves the clock forward; it continues to run. */
export const pass = (seconds: number): void => {
  ahead += seconds * 1_000;
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + ahead);
};

/** Stops the clock until `pass` moves it or `restore` resets it. */
export const freeze = (): void => {
  const now = Date.now();
  vi.spyOn(Date, 'now').mockReturnValue(now);
};

/** Removes every spy and resets the clock. For `afterEach`. */
export const restore = (): void => {
  ahead = 0;
  vi.restoreAllMocks();
};

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

/** An owner with credit. */
export const ownerWith = async (credit: bigint, policy?: object): Promise<Hex> => {
  const owner = randomHex(20);
  await topUp(owner, credit);
  if (policy !== undefined) await setPolicy(owner, policy);
  return owner;
};

/** An owner, its child (a manager) and the manager's child (an agent). */
export const branchWith = async (credit: bigint, policy?: object) => {
  const owner = await ownerWith(credit, policy);
  const manager = randomHex(20);
  const agent = randomHex(20);
  const upper = await enrol(owner, manager, { depth: 2 });
  const lower = await enrol(manager, agent, { parent: upper.hash, depth: 1 });
  return { owner, manager, agent, upper, lower };
};

/** Makes a free call, which needs active ancestors but no share of their limits. */
export const freeOnce = (payer: Hex, changes: CallChanges = {}): Promise<ReserveVerdict> =>
  callOnce(payer, 0n, { settlement: 'free', ...changes });

/** Evicts an account, which then loses everything that it has not stored. */
export const putToSleep = async (payer: Hex): Promise<void> => {
  // Platform trap: a busy event loop runs no timers and its clock stands still. Without this pause, an eviction that waits for the outbox
  // would time out at once.
  await pause(1);
  // The test pool evicts running objects only, so start the object first.
  await stubOf(payer).snapshot();
  await evictDurableObject(stubOf(payer));
};

/** The reason for which the account refused a command. */
export const faultOf = (
  governed: CommandVerdict,
): Extract<CommandVerdict, { readonly verdict: 'refused' }>['fault'] => {
  if (governed.verdict !== 'refused') throw new Error(JSON.stringify(governed));
  return governed.fault;
};

export const denialOf = (verdict: ReserveVerdict): Denial => {
  if (verdict.verdict !== 'denied') throw new Error(`expected denied, got ${verdict.verdict}`);
  return verdict.denial;
};

/** Makes calls one after the other until the account denies one. Returns the number of successful calls, and the denial. */
export const callWhile = async (
  payer: Hex,
  price: bigint,
  most = 1_000,
): Promise<{ readonly went: number; readonly denial: Denial | undefined }> => {
  for (let went = 0; went < most; went += 1) {
    const verdict = await callOnce(payer, price);
    if (verdict.verdict !== 'go') return { went, denial: denialOf(verdict) };
  }
  return { went: most, denial: undefined };
};

/** The current state of one of the account's own limits, by its rule: `window:day`, `lifetime`. */
export const limitOf = async (payer: Hex, rule: string) => {
  const limit = (await purseOf(payer)).limits.find((each) => each.rule === rule);
  if (limit === undefined) throw new Error(`no limit ${rule}`);
  return limit;
};

export const rowsOf = async (payer: Hex): Promise<number> => (await snapshotOf(payer)).rowsWritten;

/** Writes values as the account itself would have stored them, then evicts the account so that it loads them. */
export const putValues = async (payer: Hex, writes: readonly Write[]): Promise<void> => {
  await onDisk(payer, (disk) => disk.write(writes));
  await putToSleep(payer);
};

/** The account of an object. Uses `Reflect`, because `ctx` is protected. */
const accountIn = (object: AgentAccount): AccountId =>
  (Reflect.get(object, 'ctx') as DurableObjectState).id.name as AccountId;

/** A message between two accounts of a tree that a test intercepted. */
export type Passing<Message> = { readonly to: AccountId; readonly message: Message };

/** Intercepts lease requests to parents. `between` may answer instead of the parent, late, or not at all. */
export const watchLeases = (
  between?: (
    passing: Passing<LeaseRequest>,
    real: () => Promise<LeaseVerdict>,
  ) => Promise<LeaseVerdict>,
): Passing<LeaseRequest>[] => {
  const seen: Passing<LeaseRequest>[] = [];
  const { lease } = unwatched;
  vi.spyOn(AgentAccount.prototype, 'lease').mockImplementation(function (
    this: AgentAccount,
    message: LeaseRequest,
  ) {
    const passing = { to: accountIn(this), message };
    const real = (): Promise<LeaseVerdict> => lease.call(this, message);
    seen.push(passing);
    return between === undefined ? real() : between(passing, real);
  });
  return seen;
};

/** Intercepts recalls to children, like `watchLeases`. */
export const watchRecalls = (
  between?: (passing: Passing<Recall>, real: () => Promise<Returned>) => Promise<Returned>,
): Passing<Recall>[] => {
  const seen: Passing<Recall>[] = [];
  const { recall } = unwatched;
  vi.spyOn(AgentAccount.prototype, 'recall').mockImplementation(function (
    this: AgentAccount,
    message: Recall,
  ) {
    const passing = { to: accountIn(this), message };
    const real = (): Promise<Returned> => recall.call(this, message);
    seen.push(passing);
    return between === undefined ? real() : between(passing, real);
  });
  return seen;
};

/** Intercepts requests for reports to children, like `watchRecalls`. Such a request recalls nothing. */
export const watchReports = (
  between?: (passing: Passing<Recall>, real: () => Promise<Returned>) => Promise<Returned>,
): Passing<Recall>[] => {
  const seen: Passing<Recall>[] = [];
  const { report } = unwatched;
  vi.spyOn(AgentAccount.prototype, 'report').mockImplementation(function (
    this: AgentAccount,
    message: Recall,
  ) {
    const passing = { to: accountIn(this), message };
    const real = (): Promise<Returned> => report.call(this, message);
    seen.push(passing);
    return between === undefined ? real() : between(passing, real);
  });
  return seen;
};

const unwatched = {
  lease: AgentAccount.prototype.lease,
  recall: AgentAccount.prototype.recall,
  report: AgentAccount.prototype.report,
};
