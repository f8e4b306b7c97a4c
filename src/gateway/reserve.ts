import type {
  Call,
  Evidence,
  PayerFacts,
  ReserveVerdict,
} from '../../durable-objects/agent-account/contract.ts';
import type { Tool } from '../catalog/tool.ts';
import { accountId, assetId, type Hex } from '../core/account-id.ts';
import { nowSeconds } from '../core/clock.ts';
import { random16 } from '../core/random.ts';
import type { Reason } from '../core/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { sha256Hex } from '../crypto/digest.ts';
import { intentFields } from '../intent/agent-intent.ts';
import { askContractSignature } from '../settlement/contract-signature.ts';
import { askPayerFacts } from '../settlement/payer-facts.ts';
import type { Checked } from './check.ts';
import type { Gateway } from './gateway.ts';
import type { Observed } from './observe.ts';

/** A claimed call on its way to its tool, and what the account said of it. */
export type Reserved = {
  readonly call: Call;
  readonly attempt: Hex;
  readonly verdict: Exclude<ReserveVerdict, { readonly verdict: 'stale_payer' | 'unavailable' }>;
};

/** How long a client that causes too many look-ups should stay away, seconds. */
const SHIELD_PAUSE = 10;

/**
 * Claims the call at its account: one object call when the payer's facts are fresh. Facts are asked from the chain only when the
 * account wants them, or when the signature is not the payer's key's, because then only its code can vouch for it (§4.7).
 */
export const reserve = async (
  gateway: Gateway,
  tool: Tool,
  observed: Observed,
  checked: Checked,
  client: string,
): Promise<Result<Reserved, Reason>> => {
  const attempt = random16();
  let evidence: Evidence = {};
  let call = callOf(tool, observed, checked);
  if (!checked.signedByKey) {
    const vouched = await vouch(gateway, checked, client);
    if (!vouched.ok) return vouched;
    evidence = { facts: vouched.value.facts };
    call = { ...call, ...vouched.value.checkedAt };
  }
  let verdict = await ask(gateway, call, attempt, evidence);
  if (verdict.verdict === 'stale_payer' && evidence.facts === undefined) {
    const vouched = await vouch(gateway, checked, client);
    if (!vouched.ok) return vouched;
    evidence = { facts: vouched.value.facts };
    call = { ...call, ...vouched.value.checkedAt };
    verdict = await ask(gateway, call, attempt, evidence);
  }
  if (verdict.verdict === 'unavailable') return err({ reason: 'storage_unavailable' });
  // The account asks once; asked twice, it is refused rather than believed.
  if (verdict.verdict === 'stale_payer') return err({ reason: 'payer_unreachable' });
  return ok({ call, attempt, verdict });
};

/** Reserves again with what the chain said of an upfront payment (design §6). Same call, same attempt. */
export const reserveSettled = async (
  gateway: Gateway,
  { call, attempt }: Reserved,
  evidence: Evidence,
): Promise<Result<Reserved, Reason>> => {
  const verdict = await ask(gateway, call, attempt, evidence);
  return verdict.verdict === 'unavailable' || verdict.verdict === 'stale_payer'
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

type Vouched = {
  readonly facts: PayerFacts;
  readonly checkedAt: { readonly contractCheckedAt?: number };
};

/** Asks the chain about a payer; one with code must accept the signature itself, its key's does not count (§4.7). */
const vouch = async (
  gateway: Gateway,
  checked: Checked,
  client: string,
): Promise<Result<Vouched, Reason>> => {
  // Law 12: a stranger's signatures are free to make, our look-ups are not.
  if (!(await gateway.shield(client))) {
    return err({ reason: 'too_many_requests', retryAfter: SHIELD_PAUSE });
  }
  const urls = gateway.config.rpcUrls.get(checked.network) ?? [];
  const facts = await askPayerFacts(urls, checked.payer, checked.token, checked.call, nowSeconds());
  if (!facts.ok) return err({ reason: 'payer_unreachable' });
  if (!facts.value.hasCode) {
    return checked.signedByKey
      ? ok({ facts: facts.value, checkedAt: {} })
      : refused(checked, 'wrong_signer');
  }
  const verdict = await askContractSignature(
    urls,
    checked.payer,
    checked.digest,
    checked.signature,
  );
  if (!verdict.ok) return err({ reason: 'payer_unreachable' });
  return verdict.value.valid
    ? ok({ facts: facts.value, checkedAt: { contractCheckedAt: verdict.value.block } })
    : refused(checked, 'contract_refused');
};

const refused = (checked: Checked, fault: string): Result<never, Reason> =>
  err({ reason: 'invalid_signature', field: checked.signatureField, fault });

const callOf = (tool: Tool, { request }: Observed, checked: Checked): Call => ({
  account: accountId(checked.network, checked.payer),
  call: checked.call,
  request,
  tool: tool.id,
  proof: checked.kind === 'payment' ? 'x402' : 'intent',
  binding: checked.binding,
  settlement: tool.settlement,
  onSilence: tool.onSilence,
  timeoutSeconds: tool.timeoutSeconds,
  asset: assetId(checked.network, checked.token.address),
  payTo: checked.payTo,
  price: tool.price,
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
  ...(checked.paymentIdentifier === undefined
    ? {}
    : { identifier: sha256Hex(new TextEncoder().encode(checked.paymentIdentifier)) }),
});
