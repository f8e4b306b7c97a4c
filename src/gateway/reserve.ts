import { callSeconds } from '../catalog/tool.ts';
import { nowSeconds, type Seconds } from '../core/clock.ts';
import { type Hex, ZERO_HASH } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { accountId, type AccountId, type Network } from '../protocol/account-id.ts';
import type { ReserveVerdict } from '../protocol/account/call-verdict.ts';
import type { Call, Evidence } from '../protocol/account/call.ts';
import { intentFields } from '../protocol/intent/agent-intent.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { identifierDigest } from '../protocol/x402/extensions.ts';
import type { Backends } from '../settlement/backends/registry.ts';
import type { ChainHealth } from '../settlement/chain/health.ts';
import type { Gateway } from './gateway.ts';
import type { CheckedProof, PaidRequestWithBody, ReservedCall } from './paid-request.ts';
import { readParams } from './params.ts';
import { clientOf } from './rate-limit.ts';
import { noteReserved } from './replay.ts';
import { verifyGrantsOnChain, verifyOnChain } from './verify-signature.ts';

/**
 * Reserves the call and its money at the payer's account: one object call if the account's facts about the payer are fresh.
 *
 * The gateway asks the chain first if the payer's key did not sign, and otherwise only if the account requests facts about the payer or
 * about the issuers of its grants. It answers one request for each kind of evidence, and refuses the call if the account asks for the same
 * kind again.
 */
export const reserve = async (
  gateway: Gateway,
  paidRequest: PaidRequestWithBody,
  checked: CheckedProof,
  attempt: Hex,
  dryRun: boolean,
): Promise<Result<ReservedCall, Reason>> => {
  const { tool, topUp } = paidRequest;
  const plain: Call = {
    ...callOf(paidRequest, checked),
    ...gateway.catalogue.textsOf(topUp === undefined ? tool : undefined),
    ...(dryRun ? { dryRun } : {}),
    ...(gateway.trace === undefined ? {} : { trace: gateway.trace.id }),
  };
  const client = clientOf(paidRequest.request.headers);
  let call = plain;
  let evidence: Evidence =
    gateway.screening === undefined ? {} : { screening: { settings: gateway.screening.settings } };
  let needsFacts = !checked.signedByKey;
  let silence: Reason | undefined;
  for (;;) {
    if (needsFacts) {
      const verified = await verifyOnChain(gateway, checked, client);
      if (verified.ok) {
        call = { ...plain, ...verified.value.checkedAt };
        evidence = { ...evidence, facts: verified.value.facts };
      } else if (isSilent(verified.error) && checked.signedByKey) {
        // Continue without facts, because the credit of an ancestor may still pay for the call (law 13).
        silence = verified.error;
        evidence = { ...evidence, isChainSilent: true };
      } else return verified;
    }
    const verdict = await requestVerdict(gateway, call, attempt, {
      ...evidence,
      ...outageEvidence(gateway, checked),
    });
    // The account cannot decide without facts, and the chain does not give them.
    if (silence !== undefined && HALTED.has(verdict.verdict)) return err(silence);
    needsFacts = verdict.verdict === 'stale_payer' && evidence.facts === undefined;
    if (verdict.verdict === 'unknown_grant' && evidence.soughtGrant === undefined) {
      const { takeNamedGrant } = await import('./account-api/grant-commands.ts');
      const taken = await takeNamedGrant(gateway, checked, call, client);
      if (!taken.ok) return taken;
      evidence = { ...evidence, soughtGrant: true };
      continue;
    }
    if (verdict.verdict === 'unscreened' && gateway.screening !== undefined) {
      const { screenAccounts } = await import('./screen-accounts.ts');
      const asked = await screenAccounts(gateway, call.account, verdict.accounts, evidence);
      if (!asked.ok) return asked;
      evidence = { ...evidence, screening: asked.value };
      continue;
    }
    if (verdict.verdict === 'stale_grant' && evidence.grants === undefined) {
      const grants = await verifyGrantsOnChain(gateway, checked, verdict.proofs, client);
      if (!grants.ok) return grants;
      evidence = { ...evidence, grants: grants.value };
    } else if (!needsFacts) {
      noteReserved(gateway, call, verdict);
      return decided(call, attempt, verdict);
    }
  }
};

const HALTED: ReadonlySet<ReserveVerdict['verdict']> = new Set([
  'settlement_unavailable',
  'stale_payer',
]);

const isSilent = ({ reason }: Reason): boolean => reason === 'payer_unreachable';

/** Reserves again, with the chain's state of an upfront payment. Same call, same attempt. */
export const reserveSettled = async (
  gateway: Gateway,
  { call, attempt }: ReservedCall,
  evidence: Evidence,
): Promise<Result<ReservedCall, Reason>> => {
  const verdict = await requestVerdict(gateway, call, attempt, evidence);
  return verdict.verdict === 'stale_payer' ||
    verdict.verdict === 'stale_grant' ||
    verdict.verdict === 'unscreened'
    ? err({ reason: 'storage_unavailable' })
    : decided(call, attempt, verdict);
};

const decided = (
  call: Call,
  attempt: Hex,
  verdict: ReserveVerdict,
): Result<ReservedCall, Reason> => {
  // The account may request fresh chain facts once. A second request means that its answers are inconsistent.
  if (
    verdict.verdict === 'stale_payer' ||
    verdict.verdict === 'stale_grant' ||
    verdict.verdict === 'unscreened'
  ) {
    return err({ reason: 'storage_unavailable' });
  }
  return verdict.verdict === 'unavailable' || verdict.verdict === 'unknown_grant'
    ? err({ reason: 'storage_unavailable' })
    : ok({ call, attempt, decision: verdict });
};

/** Calls the account. Any error on the way is a refusal (law 2). */
const requestVerdict = async (
  gateway: Gateway,
  call: Call,
  attempt: Hex,
  evidence: Evidence,
): Promise<ReserveVerdict> => {
  try {
    return await gateway.account(call.account).reserve(call, attempt, evidence);
  } catch (cause) {
    console.error({ event: 'reserve_failed', account: call.account, cause: String(cause) });
    return { verdict: 'unavailable' };
  }
};

const callOf = (
  { tool, received, topUp, paramsIn }: PaidRequestWithBody,
  checked: CheckedProof,
): Call => ({
  account: accountOf(checked),
  id: checked.call,
  request: received.request,
  audience: received.audience,
  tool: tool.id,
  proof: checked.kind === 'payment' ? 'x402' : 'intent',
  binding: checked.binding,
  settlement: tool.settlement,
  onSilence: tool.onSilence,
  timeoutSeconds: callSeconds(tool),
  asset: checked.asset,
  payTo: checked.payTo,
  price: checked.price,
  validBefore: checked.validBefore,
  execute: checked.execute,
  ...(checked.former === undefined ? {} : { former: true }),
  ...(checked.payment === undefined ? {} : { payment: checked.payment }),
  ...(checked.intent === undefined
    ? {}
    : {
        intent: {
          fields: intentFields(checked.intent),
          ...(checked.kind === 'intent' ? { signature: checked.signature } : {}),
        },
      }),
  ...(checked.showsSecret === true ? { showsSecret: true } : {}),
  ...(checked.paymentIdentifier === undefined
    ? {}
    : { identifier: identifierDigest(accountOf(checked), checked.paymentIdentifier) }),
  ...(checked.intent === undefined || checked.intent.authority === ZERO_HASH
    ? {}
    : { authority: checked.intent.authority }),
  params: readParams(tool, paramsIn ?? received),
  ...(topUp === undefined ? {} : { topUp: { to: topUp.to ?? accountOf(checked) } }),
});

const accountOf = ({ network, payer }: CheckedProof): AccountId => accountId(network, payer);

/** Builds the evidence of a settlement outage if the proof is a payment. The account may still serve a call that needs no settlement. */
const outageEvidence = (
  gateway: Gateway,
  { payment, network }: CheckedProof,
): Pick<Evidence, 'outage'> => {
  const outage = payment === undefined ? undefined : outageOf(gateway, network, nowSeconds());
  return outage === undefined ? {} : { outage };
};

/** `Retry-After` if no backend has a retry time, and its upper bound. */
const PAUSE: Seconds = 15;
const MAX_PAUSE: Seconds = 60;

/** The health of backends and nodes, as this isolate knows it. */
type SettlementHealth = {
  readonly backends: Pick<Backends, 'isDown' | 'probeAt'>;
  readonly chainHealth: ChainHealth;
};

/**
 * Returns an outage if no payment of a network can be settled now: no backend takes payments, or no node answers. Only the account knows
 * whether a call needs a settlement, so the gateway sends it this as evidence.
 */
export const outageOf = (
  { backends, chainHealth }: SettlementHealth,
  network: Network,
  now: Seconds,
): Evidence['outage'] => {
  const silent = chainHealth.silentFor(network, now);
  if (backends.isDown(network)) {
    const probe = backends.probeAt(network);
    const pause = probe === undefined ? PAUSE : probe - now;
    return { retryAfter: Math.min(MAX_PAUSE, Math.max(1, pause, silent ?? 0)) };
  }
  return silent === undefined ? undefined : { retryAfter: silent };
};
