import { createHash } from 'node:crypto';
import { type Hex, hexToBytes, type LocalAccount } from 'viem';
import { signAuthorization, type SignedAuthorization } from '../../../dev/stack/authorization.ts';
import { people } from '../../../dev/stack/people.ts';
import { CHAIN_ID, usdc } from '../../../dev/stack/chain-access.ts';
import {
  type AgentIntent,
  encodeAgentIntent,
  intentDigest,
  intentFields,
} from '../../../src/protocol/intent/agent-intent.ts';
import { BOUND_VALID_AFTER } from '../../../src/protocol/intent/binding.ts';
import { commitmentOf, encodeRetryKey } from '../../../src/protocol/intent/retry-key.ts';
import { paymentHeader } from '../../support/payment-header.ts';
import type { Purchase } from './purchase.ts';
import { LONGEST, PRICES } from './tools.ts';

/** A signed request, which a client may send repeatedly. */
export type Signed = {
  readonly account: LocalAccount;
  readonly method: string;
  /** The path with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Also the call id. */
  readonly nonce: Hex;
  /** Undefined if credit pays. */
  readonly authorization: SignedAuthorization | undefined;
};

const ZERO_HASH: Hex = `0x${'0'.repeat(64)}`;
const NO_BODY: Hex = `0x${createHash('sha256').digest('hex')}`;
/** The longest validity of an intent, less a margin for clocks. Seconds. */
const INTENT_WINDOW = 280;

/** Method and path of a purchase. */
export const targetOf = ({ product, key, number }: Purchase): { method: string; path: string } =>
  product === 'topUp'
    ? { method: 'POST', path: `/credits?amount=${PRICES.topUp}` }
    : { method: 'GET', path: `/${product}/${key.address}/${number}` };

const intentOf = (
  purchase: Purchase,
  audience: string,
  now: number,
  secret: Uint8Array,
): AgentIntent => {
  const { method, path } = targetOf(purchase);
  return {
    agent: purchase.key.address,
    audience,
    tool: purchase.product === 'topUp' ? 'countersign.credits' : purchase.product,
    method,
    target: path,
    contentType: '',
    payloadDigest: NO_BODY,
    payTo: people.payTo.toLowerCase() as Hex,
    asset: usdc.address,
    maxAmount: PRICES[purchase.product],
    validAfter: BigInt(now - 5),
    validBefore: BigInt(now + Math.min(INTENT_WINDOW, purchase.lifetime)),
    nonce: commitmentOf(secret),
    authority: ZERO_HASH,
  };
};

/** Signs a purchase according to its offer. `now` in Unix seconds. */
export const signPurchase = async (
  purchase: Purchase,
  audience: string,
  now: number,
): Promise<Signed> => {
  const { product, key, lifetime, random } = purchase;
  const { account } = key;
  const secret = hexToBytes(random.hex(32));
  const intent = purchase.bound ? intentOf(purchase, audience, now, secret) : undefined;
  // Every attempt sends the key: after a lost answer the client cannot know which attempt arrives first.
  const retryKey = { 'Agent-Retry-Key': encodeRetryKey(secret) };
  const digest = intent === undefined ? undefined : intentDigest(intent, CHAIN_ID);
  const request = { account, ...targetOf(purchase) };
  if (product === 'credit' && intent !== undefined && digest !== undefined) {
    const signature = await account.sign?.({ hash: digest });
    const header = encodeAgentIntent({ chainId: CHAIN_ID, intent, signature: signature ?? '0x' });
    return {
      ...request,
      headers: { 'Agent-Intent': header, ...retryKey },
      nonce: digest,
      authorization: undefined,
    };
  }
  const nonce = digest ?? random.hex(32);
  const value = PRICES[product];
  const signed = await signAuthorization({
    account,
    token: usdc,
    to: people.payTo,
    value,
    validAfter: intent === undefined ? 0n : BOUND_VALID_AFTER,
    validBefore: BigInt(now + lifetime),
    nonce,
  });
  const header = paymentHeader(
    signed,
    LONGEST[product],
    intent === undefined
      ? { 'payment-identifier': { info: { id: random.hex(16).slice(2) } } }
      : {
          'agent-intent': {
            info: { ...advertOf(audience, intent.tool), intent: intentFields(intent) },
          },
        },
  );
  const headers = { 'PAYMENT-SIGNATURE': header, ...(intent === undefined ? {} : retryKey) };
  return { ...request, headers, nonce, authorization: signed };
};

const advertOf = (audience: string, tool: string) => ({
  version: 1,
  audience,
  tool,
  binding: 'eip3009-nonce',
});
