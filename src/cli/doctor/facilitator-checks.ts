import * as z from 'zod/mini';
import { transferTypedData } from '../../client/signer.ts';
import { nowSeconds } from '../../core/clock.ts';
import type { Address } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Network } from '../../protocol/account-id.ts';
import { BOUND_VALID_AFTER } from '../../protocol/intent/binding.ts';
import type { Payment, Token } from '../../protocol/payment.ts';
import { nameOfNetwork, tokenOf } from '../../protocol/x402/networks.ts';
import { isNotYetValid } from '../../settlement/backends/backend.ts';
import { openCdpTokens } from '../../settlement/backends/cdp-token.ts';
import {
  settleRequest,
  supportedUrl,
  verifyUrl,
} from '../../settlement/backends/facilitator-api.ts';
import { postJson } from '../../settlement/post-json.ts';
import { type Check, facilitatorCheck, failure, hostOf, passed, warning } from '../lib/checks.ts';
import type { Target, TargetFacilitator } from './config-checks.ts';

type Headers = Readonly<Record<string, string>>;

/** Whether a facilitator supports its networks, and whether it accepts bound payments on each. */
export const facilitatorChecks = async (
  { chains, cdpKey }: Pick<Target, 'chains' | 'cdpKey'>,
  facilitator: TargetFacilitator,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  const all = [...new Set(chains.map(({ network }) => network))];
  const { url, networks = all } = facilitator;
  const list = await headersFor(facilitator, cdpKey, 'GET', supportedUrl(url));
  const verify = await headersFor(facilitator, cdpKey, 'POST', verifyUrl(url));
  if (!list.ok) return [list.error];
  if (!verify.ok) return [verify.error];
  return await Promise.all([
    facilitatorCheck(url, networks, signal, list.value),
    ...networks.map(async (on) => boundPaymentCheck(url, on, verify.value)),
  ]);
};

/** The headers that authorize one request, or the check that explains why there are none. */
const headersFor = async (
  { url, auth }: TargetFacilitator,
  cdpKey: Target['cdpKey'],
  method: 'GET' | 'POST',
  target: string,
): Promise<Result<Headers, Check>> => {
  if (auth === 'none') return ok({});
  if (cdpKey === undefined) {
    const says = `the command cannot call ${hostOf(url)} without CDP_API_KEY_SECRET`;
    return err(warning('facilitator', says, 'Add the secret to .dev.vars to check it.'));
  }
  const opened = await openCdpTokens(cdpKey);
  if (!opened.ok) {
    const hint = 'Copy it again as the portal of CDP shows it.';
    return err(failure('CDP_API_KEY_SECRET', opened.error, hint));
  }
  const token = await opened.value.token(method, target, nowSeconds());
  return ok({ authorization: `Bearer ${token}` });
};

const BOUND = 'bound payments';
const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64 * 1024;
/** Atomic units: a tenth of a cent. */
const VALUE = 1_000n;
const LIFETIME = 300;

/** The members of the x402 v2 VerifyResponse that the check uses. */
const verifySchema = z.object({ isValid: z.boolean(), invalidReason: z.nullish(z.string()) });

const NO_FUNDS = /insufficient_(funds|balance)/;

const UNKNOWN =
  'The check does not know whether it settles bound payments. Make one small bound call, then look at `countersign settlements backends`.';

/**
 * Sends `/verify` a bound payment of a fresh key without funds, so nothing can move. A facilitator that accepts bound payments answers
 * that the balance is too low: the official x402 classes check `validAfter` before the balance.
 */
export const boundPaymentCheck = async (
  url: string,
  network: Network,
  headers: Headers = {},
): Promise<Check> => {
  const token = tokenOf(network);
  const on = nameOfNetwork(network) ?? network;
  const host = hostOf(url);
  if (token === undefined) return warning(BOUND, `${host}: no token is known on ${on}`, UNKNOWN);
  const request = settleRequest(await boundPayment(token));
  const options = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, headers };
  const posted = await postJson(verifyUrl(url), request, options);
  if (!posted.ok)
    return warning(BOUND, `${host} does not answer /verify (${posted.error.kind})`, UNKNOWN);
  const answer = verifySchema.safeParse(posted.value.json);
  if (!answer.success)
    return warning(BOUND, `${host} answers ${posted.value.status} to /verify`, UNKNOWN);
  const { isValid, invalidReason } = answer.data;
  const reason = invalidReason ?? 'no reason given';
  if (isValid || NO_FUNDS.test(reason)) return passed(BOUND, `${host} accepts them on ${on}`);
  return isNotYetValid(reason)
    ? failure(
        BOUND,
        `${host} rejects them on ${on}: ${printableReason(reason)}`,
        'It settles no bound payment. List another facilitator or the relayer before it, or remove it from FACILITATORS.',
      )
    : warning(BOUND, `${host} says "${printableReason(reason)}" on ${on}`, UNKNOWN);
};

const printableReason = (reason: string): string =>
  reason.slice(0, 100).replace(/[^\x20-\x7e]/g, '?');

const boundPayment = async (token: Token): Promise<Payment> => {
  const { generatePrivateKey, privateKeyToAccount } = await import('viem/accounts');
  const payer = privateKeyToAccount(generatePrivateKey());
  const payee = privateKeyToAccount(generatePrivateKey());
  const authorization = {
    from: payer.address.toLowerCase() as Address,
    to: payee.address.toLowerCase() as Address,
    value: VALUE,
    validAfter: BOUND_VALID_AFTER,
    validBefore: BigInt(nowSeconds() + LIFETIME),
    nonce: generatePrivateKey(),
  };
  const signature = await payer.signTypedData(transferTypedData(token, authorization));
  return { token, authorization, signature, maxTimeoutSeconds: LIFETIME };
};
