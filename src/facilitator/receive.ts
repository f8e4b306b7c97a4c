import type { Config } from '../config/config.ts';
import type { Seconds } from '../core/clock.ts';
import { err, ok, type Result } from '../core/result.ts';
import { decodeUtf8 } from '../crypto/bytes.ts';
import { readBody } from '../gateway/observe.ts';
import { clientOf, type RateLimit, TOO_MANY } from '../gateway/rate-limit.ts';
import type { WireFault, WireReason } from '../protocol/fault.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import { readExchange } from '../protocol/x402/exchange.ts';
import { checkPayment, type CheckedPayment } from './check-payment.ts';
import type { Refusal, RefusalReason } from './refusal.ts';

/** The largest body: an x402 v2 payment is at most 12 KiB of JSON, and v1 requirements describe their output. */
const MAX_BODY = 32 * 1_024;

/** A request that gets a problem, or an answer of x402 that refuses the payment. */
export type Unaccepted =
  | { readonly kind: 'problem'; readonly reason: Reason }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type Action = 'verify' | 'settle';

/** A checked payment, and the request body that contained it. */
export type ReceivedPayment = CheckedPayment & { readonly body: Uint8Array };

/** Reads the payment in a request, checks it and counts it. */
export const receivePayment = async (
  { config, rateLimit }: { readonly config: Pick<Config, 'facilitates'>; rateLimit: RateLimit },
  action: Action,
  request: Request,
  now: Seconds,
): Promise<Result<ReceivedPayment, Unaccepted>> => {
  const body = await readBody(request, { maxBodyBytes: MAX_BODY });
  if (!body.ok) return err({ kind: 'problem', reason: body.error });
  const text = decodeUtf8(body.value);
  const json = text === undefined ? undefined : parseStrictJson(text);
  if (json?.ok !== true) return err({ kind: 'problem', reason: notJson });
  const exchange = readExchange(json.value);
  if (!exchange.ok) return unread(exchange.error);
  const checked = checkPayment(config, exchange.value, now);
  if (!checked.ok) return err({ kind: 'refused', refusal: checked.error });
  const isAdmitted = await passes(rateLimit, action, clientOf(request.headers), checked.value);
  return isAdmitted
    ? ok({ ...checked.value, body: body.value })
    : err({ kind: 'problem', reason: TOO_MANY });
};

const notJson: Reason = {
  reason: 'malformed_request',
  field: 'body',
  hint: 'must be JSON in UTF-8, with no key twice',
};

/** Faults that x402 has a reason for. The others are problems that name the field. */
const REASONS: Readonly<Partial<Record<WireReason, RefusalReason>>> = {
  unsupported_version: 'invalid_x402_version',
  unsupported_scheme: 'unsupported_scheme',
  unsupported_network: 'invalid_network',
};

const unread = (fault: WireFault): Result<never, Unaccepted> => {
  const reason = REASONS[fault.reason];
  return err(
    reason === undefined
      ? { kind: 'problem', reason: fault }
      : { kind: 'refused', refusal: { reason, message: `${fault.field} ${fault.hint}.` } },
  );
};

/**
 * Counts a payment that costs a look at the chain, for its client and for the receiving address.
 *
 * Attack: signatures that only a contract could have made cost the caller nothing. They count apart, so that a flood of them does not use up
 * the limit of the address.
 */
const passes = async (
  rateLimit: RateLimit,
  action: Action,
  client: string,
  { payment: { token, authorization }, signedByKey }: CheckedPayment,
): Promise<boolean> => {
  if (!(await rateLimit(`${action} ${client}`))) return false;
  const signer = signedByKey ? 'key' : 'contract';
  return rateLimit(`${action} ${signer} ${token.network}:${authorization.to}`);
};
