import type {
  Call,
  Evidence,
  ReserveVerdict,
} from '../../durable-objects/agent-account/contract.ts';
import { accountId, assetId, type Hex } from '../core/account-id.ts';
import { random16 } from '../core/random.ts';
import type { Reason } from '../core/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { sha256Hex } from '../crypto/digest.ts';
import { intentFields } from '../intent/agent-intent.ts';
import type { Checked } from './checked.ts';
import { clientOf } from './client.ts';
import type { Errand } from './errand.ts';
import type { Gateway } from './gateway.ts';
import { askVouched } from './vouch.ts';

/** A claimed call on its way to its tool, and what the account said of it. */
export type Reserved = {
  readonly call: Call;
  readonly attempt: Hex;
  readonly verdict: Exclude<ReserveVerdict, { readonly verdict: 'stale_payer' | 'unavailable' }>;
};

/**
 * Claims the call at its account: one object call when the payer's facts are fresh. Facts are asked from the chain only when the
 * account wants them, or when the signature is not the payer's key's.
 */
export const reserve = async (
  gateway: Gateway,
  errand: Errand,
  checked: Checked,
): Promise<Result<Reserved, Reason>> => {
  const attempt = random16();
  const plain = callOf(errand, checked);
  const asked = await askVouched(
    gateway,
    checked,
    clientOf(errand.request.headers),
    async (vouched) => {
      const call: Call = { ...plain, ...vouched?.checkedAt };
      const evidence: Evidence = vouched === undefined ? {} : { facts: vouched.facts };
      return { call, verdict: await ask(gateway, call, attempt, evidence) };
    },
    ({ verdict }) => verdict.verdict === 'stale_payer',
  );
  if (!asked.ok) return asked;
  const { call, verdict } = asked.value;
  if (verdict.verdict === 'unavailable') return err({ reason: 'storage_unavailable' });
  // The account asks once; asked twice, it is refused rather than believed.
  if (verdict.verdict === 'stale_payer') return err({ reason: 'payer_unreachable' });
  if (!knowsTopUp(call, verdict)) return err({ reason: 'storage_unavailable' });
  return ok({ call, attempt, verdict });
};

/**
 * Whether the account has understood a top-up. During a deploy its object may be of a release that knows none (design §5): it would
 * take the money for the price of a call, and credit nobody. Nothing has moved yet when this is asked.
 */
const knowsTopUp = ({ topUp }: Call, verdict: ReserveVerdict): boolean =>
  topUp === undefined ||
  (verdict.verdict !== 'settle' && verdict.verdict !== 'go') ||
  verdict.creditTo === topUp.to;

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

const callOf = ({ tool, observed, topUp }: Errand, checked: Checked): Call => ({
  account: accountId(checked.network, checked.payer),
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
  ...(checked.paymentIdentifier === undefined
    ? {}
    : { identifier: sha256Hex(new TextEncoder().encode(checked.paymentIdentifier)) }),
  ...(topUp === undefined
    ? {}
    : { topUp: { to: topUp.to ?? accountId(checked.network, checked.payer) } }),
});
