import type { ReserveVerdict } from '../protocol/account/reserve.ts';
import type { Call, Evidence } from '../protocol/account/call.ts';
import { type AccountId, accountId, assetId } from '../protocol/account-id.ts';
import { type Hex } from '../core/hex.ts';
import { nowSeconds } from '../core/clock.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { ZERO_HASH } from '../core/hex.ts';
import { intentFields } from '../protocol/intent/agent-intent.ts';
import { identifierDigest } from '../protocol/x402/extensions.ts';
import type { Checked } from './checked.ts';
import { clientOf } from './client.ts';
import type { ObservedErrand } from './errand.ts';
import type { Gateway } from './gateway.ts';
import { outageOf } from './outage.ts';
import { readParams } from './params.ts';
import { noteSpent } from './repeats.ts';
import { vouch, vouchGrants } from './vouch.ts';

type Unasked = {
  readonly verdict: 'stale_payer' | 'stale_grant' | 'unknown_grant' | 'unavailable';
};

/** A claimed call on its way to its tool, and what the account said of it. */
export type Reserved = {
  readonly call: Call;
  readonly attempt: Hex;
  readonly verdict: Exclude<ReserveVerdict, Unasked>;
};

/**
 * Claims the call at its account: one object call when the payer's facts are fresh. The chain is asked only where the account wants to
 * know more of its payer or of who issued its grants, or where the signature is not the payer's key's; each once.
 */
export const reserve = async (
  gateway: Gateway,
  errand: ObservedErrand,
  checked: Checked,
  attempt: Hex,
  dryRun: boolean,
): Promise<Result<Reserved, Reason>> => {
  const plain: Call = { ...callOf(errand, checked), ...(dryRun ? { dryRun } : {}) };
  const client = clientOf(errand.request.headers);
  let call = plain;
  let evidence: Evidence = {};
  let wantsFacts = !checked.signedByKey;
  for (;;) {
    if (wantsFacts) {
      const vouched = await vouch(gateway, checked, client);
      if (!vouched.ok) return vouched;
      call = { ...plain, ...vouched.value.checkedAt };
      evidence = { ...evidence, facts: vouched.value.facts };
    }
    const verdict = await ask(gateway, call, attempt, {
      ...evidence,
      ...trouble(gateway, checked),
    });
    wantsFacts = verdict.verdict === 'stale_payer' && evidence.facts === undefined;
    if (verdict.verdict === 'unknown_grant' && evidence.soughtGrant === undefined) {
      const { takeNamedGrant } = await import('./beside.ts');
      const taken = await takeNamedGrant(gateway, checked, call, client);
      if (!taken.ok) return taken;
      call = { ...call, ...taken.value?.checkedAt };
      evidence = {
        ...evidence,
        soughtGrant: true,
        ...(taken.value && { facts: taken.value.facts }),
      };
      continue;
    }
    if (verdict.verdict === 'stale_grant' && evidence.grants === undefined) {
      const grants = await vouchGrants(gateway, checked, verdict.proofs, client);
      if (!grants.ok) return grants;
      evidence = { ...evidence, grants: grants.value };
    } else if (!wantsFacts) {
      noteSpent(gateway, call, verdict);
      return readVerdict(call, attempt, verdict);
    }
  }
};

/** Where nothing can be settled, the account may still serve what needs no settlement; where nothing is paid, it need not hear of it. */
const trouble = (gateway: Gateway, { payment, network }: Checked): Pick<Evidence, 'outage'> => {
  const outage = payment === undefined ? undefined : outageOf(gateway, network, nowSeconds());
  return outage === undefined ? {} : { outage };
};

const readVerdict = (
  call: Call,
  attempt: Hex,
  verdict: ReserveVerdict,
): Result<Reserved, Reason> => {
  // The account asks once; asked twice, it is refused rather than believed.
  if (verdict.verdict === 'stale_payer' || verdict.verdict === 'stale_grant') {
    return err({ reason: 'payer_unreachable' });
  }
  return verdict.verdict === 'unavailable' ||
    verdict.verdict === 'unknown_grant' ||
    !isUnderstood(call, verdict)
    ? err({ reason: 'storage_unavailable' })
    : ok({ call, attempt, verdict });
};

/**
 * Whether the account has understood what was asked. During a deploy its object may be of a release that knows no top-ups (design §5):
 * it would take the money for the price of a call, and credit nobody. One that knows no dry runs would let the call begin. No money has
 * moved and no tool has run when this is asked.
 */
const isUnderstood = ({ topUp, dryRun }: Call, verdict: ReserveVerdict): boolean =>
  (verdict.verdict !== 'settle' && verdict.verdict !== 'go') ||
  (dryRun === undefined && (topUp === undefined || verdict.creditTo === topUp.to));

/** Reserves again with what the chain said of an upfront payment (design §6). Same call, same attempt. */
export const reserveSettled = async (
  gateway: Gateway,
  { call, attempt }: Reserved,
  evidence: Evidence,
): Promise<Result<Reserved, Reason>> => {
  const verdict = await ask(gateway, call, attempt, evidence);
  return verdict.verdict === 'unavailable' ||
    verdict.verdict === 'stale_payer' ||
    verdict.verdict === 'stale_grant' ||
    verdict.verdict === 'unknown_grant'
    ? err({ reason: 'storage_unavailable' })
    : ok({ call, attempt, verdict });
};

/** Any error on the way is a refusal (law 2). */
const ask = async (
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

const callOf = ({ tool, observed, topUp }: ObservedErrand, checked: Checked): Call => ({
  account: accountOf(checked),
  call: checked.call,
  request: observed.request,
  audience: observed.audience,
  tool: tool.id,
  proof: checked.kind === 'payment' ? 'x402' : 'intent',
  binding: checked.binding,
  settlement: tool.settlement,
  onSilence: tool.onSilence,
  timeoutSeconds: tool.timeoutSeconds,
  asset: assetId(checked.network, checked.token.address),
  payTo: checked.payTo,
  price: checked.price,
  validBefore: checked.validBefore,
  execute: checked.execute,
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
  params: readParams(tool, observed),
  ...(topUp === undefined ? {} : { topUp: { to: topUp.to ?? accountOf(checked) } }),
});

const accountOf = ({ network, payer }: Checked): AccountId => accountId(network, payer);
