import { nowSeconds } from '../../src/core/clock.ts';
import { sha256Hex } from '../../src/crypto/bytes.ts';
import {
  addressOf,
  intentFor,
  paying,
  paymentHeader,
  paymentOf,
  type Who,
} from '../unit/gateway/signing.ts';
import { AUDIENCE } from './gateway.ts';

const PRICE = 1_000n;
const TARGET = '/tools/lookup?word=river';

const terms = (who: Who) => ({
  who,
  value: PRICE,
  validBefore: BigInt(nowSeconds() + 3_600),
});

/** Returns the payload of a payment for the tool `lookup`. */
export const vanilla = (who: Who) => paymentOf(terms(who));

/** Like `vanilla`, bound to the request: the nonce is the digest of an intent. */
export const bound = (who: Who) => {
  const request = {
    audience: AUDIENCE,
    tool: 'lookup',
    method: 'GET',
    target: TARGET,
    contentType: '',
    payloadDigest: sha256Hex(new Uint8Array()),
  };
  const intent = intentFor(request, {
    ...paying(PRICE),
    agent: addressOf(who),
    validAfter: BigInt(nowSeconds() - 10),
    validBefore: BigInt(nowSeconds() + 50),
  });
  return paymentOf({ ...terms(who), intent });
};

/** A request for the tool with this payload as its payment. */
export const requestWith = (payload: unknown, headers: Readonly<Record<string, string>> = {}) =>
  new Request(`${AUDIENCE}${TARGET}`, { headers: { ...paymentHeader(payload), ...headers } });
