import * as z from 'zod/mini';
import type { Network } from '../../protocol/account-id.ts';
import type { Address } from '../../core/hex.ts';
import { nowSeconds } from '../../core/clock.ts';
import { postJson } from '../../settlement/post-json.ts';
import { transferTypedData } from '../../client/typed-data.ts';
import { BOUND_VALID_AFTER } from '../../protocol/intent/binding.ts';
import { isNotYetValid } from '../../settlement/backends/backend-answer.ts';
import { settleRequest, verifyUrl } from '../../settlement/backends/facilitator-api.ts';
import type { Payment, Token } from '../../protocol/payment.ts';
import { nameOfNetwork } from '../../protocol/x402/networks.ts';
import { tokenOf } from '../../protocol/x402/tokens.ts';
import { type Check, doubtful, hostOf, passed, wrong } from '../lib/check.ts';

const NAME = 'bound payments';
const TIMEOUT_MS = 10_000;
const MAX_BYTES = 64 * 1024;
/** Atomic units: a tenth of a cent. */
const VALUE = 1_000n;
const LIFETIME = 300;

/** x402 v2 VerifyResponse, as far as it is used. */
const verifySchema = z.object({ isValid: z.boolean(), invalidReason: z.nullish(z.string()) });

const EMPTY_ACCOUNT = /insufficient_(funds|balance)/;

/**
 * Asks a facilitator's `/verify` about a payment that is marked as bound. A fresh key without funds signs it, so nothing can move and
 * the expected answer is that the balance is too low; the official x402 classes check `validAfter` before the balance.
 */
export const boundPaymentCheck = async (
  url: string,
  network: Network,
  headers: Readonly<Record<string, string>> = {},
): Promise<Check> => {
  const token = tokenOf(network);
  const on = nameOfNetwork(network) ?? network;
  const host = hostOf(url);
  if (token === undefined) return doubtful(NAME, `${host}: no token is known on ${on}`, UNKNOWN);
  const request = settleRequest(await markedPayment(token));
  const options = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, headers };
  const posted = await postJson(verifyUrl(url), request, options);
  if (!posted.ok) {
    return doubtful(NAME, `${host} does not answer /verify (${posted.error.kind})`, UNKNOWN);
  }
  const answer = verifySchema.safeParse(posted.value.json);
  if (!answer.success) {
    return doubtful(NAME, `${host} answers ${posted.value.status} to /verify`, UNKNOWN);
  }
  const { isValid, invalidReason } = answer.data;
  const reason = invalidReason ?? 'no reason given';
  if (isValid || EMPTY_ACCOUNT.test(reason)) return passed(NAME, `${host} takes them on ${on}`);
  return isNotYetValid(reason)
    ? wrong(
        NAME,
        `${host} rejects them on ${on}: ${shown(reason)}`,
        'It settles no bound payment. Put another facilitator or the relayer before it, or remove it from FACILITATORS.',
      )
    : doubtful(NAME, `${host} says "${shown(reason)}" on ${on}`, UNKNOWN);
};

const UNKNOWN =
  'Whether it settles bound payments is not known. Make one small bound call, then look at `countersign settlements backends`.';

/** Short and printable: it comes from another server. */
const shown = (reason: string): string => reason.slice(0, 100).replace(/[^\x20-\x7e]/g, '?');

const markedPayment = async (token: Token): Promise<Payment> => {
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
