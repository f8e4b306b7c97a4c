import { hexToBigInt } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { signApproval, signPermit } from '../../../dev/stack/permit.ts';
import type { Tool } from '../../../src/catalog/tool.ts';
import type { Config } from '../../../src/config/config.ts';
import { ok } from '../../../src/core/result.ts';
import { checkPayment } from '../../../src/gateway/check.ts';
import type { ReceivedRequest } from '../../../src/gateway/paid-request.ts';
import { readProof, readUpto } from '../../../src/gateway/proof.ts';
import type { Address, Hex } from '../../../src/core/hex.ts';
import {
  type AgentIntent,
  intentDigest,
  intentFields,
} from '../../../src/protocol/intent/agent-intent.ts';
import { BOUND_VALID_AFTER } from '../../../src/protocol/intent/binding.ts';
import { checksummed } from '../../../src/crypto/address.ts';
import { wireRequirement } from '../../../src/protocol/x402/offer.ts';
import { PERMIT2, UPTO_PROXY } from '../../../src/protocol/x402/permit2.ts';
import { uptoRequirementOf } from '../../../src/protocol/x402/requirement.ts';
import { tokenOf } from '../../../src/protocol/x402/networks.ts';
import vectors from '../../vectors/countersign-v1.json';
import type { Outcome } from './payment-fixture.ts';
import {
  CHAIN_ID,
  NETWORK,
  NOW,
  PAY_TO,
  paymentHeader,
  randomWord,
  translate,
  vectorConfig,
} from './signing.ts';

export const payer = privateKeyToAccount(vectors.keys.agent.privateKey as Hex);
export const SENDER: Address = '0x00000000000000000000000000000000005e4de1';
export const MOST = 20_000n;

/** A tool of variable price that is paid by a permit. */
export const metered: Tool = { ...translate, pricing: 'upto' };

/** A gateway whose relayer sends the transactions of `upto`. */
export const permitConfig = (tools: readonly Tool[] = [metered]): Config => ({
  ...vectorConfig(tools),
  relayers: new Map([
    [
      NETWORK,
      { addresses: [SENDER], batch: 100, wait: 2, maxFeePerGas: 1_000_000_000n, first: true },
    ],
  ]),
});

export const usdc = (() => {
  const token = tokenOf(NETWORK);
  if (token === undefined) throw new Error('a network of the table');
  return token;
})();

export const offered = uptoRequirementOf(usdc, PAY_TO, MOST, 3_600, SENDER);

export type PermitTerms = {
  readonly account?: typeof payer;
  readonly to?: Address;
  readonly value?: bigint;
  readonly facilitator?: Address;
  readonly validAfter?: bigint;
  readonly deadline?: bigint;
  readonly nonce?: Hex;
  readonly intent?: AgentIntent;
  /** Adds an EIP-2612 approval with this deadline. */
  readonly approvedUntil?: bigint;
};

/** A payload of the scheme `upto` as the stock client writes it, with these changes. */
export const permitOf = async (terms: PermitTerms = {}) => {
  const { account = payer, to = PAY_TO, value = MOST, intent } = terms;
  const { authorization, permit, signature } = await signPermit({
    ...{ account, token: usdc, to, value },
    facilitator: terms.facilitator ?? SENDER,
    validAfter: terms.validAfter ?? (intent === undefined ? 0n : BOUND_VALID_AFTER),
    validBefore: terms.deadline ?? BigInt(NOW + 3_600),
    nonce: terms.nonce ?? (intent === undefined ? randomWord() : intentDigest(intent, CHAIN_ID)),
  });
  const approval =
    terms.approvedUntil === undefined
      ? undefined
      : await signApproval({
          ...{ account, token: usdc, authorization, nonce: 0n },
          deadline: terms.approvedUntil,
        });
  const extensions = {
    ...(intent === undefined ? {} : { 'agent-intent': { info: { intent: intentFields(intent) } } }),
    ...(approval === undefined
      ? {}
      : {
          eip2612GasSponsoring: {
            info: {
              ...{ version: '1', from: account.address, asset: checksummed(usdc.address) },
              ...{ spender: checksummed(PERMIT2), amount: value.toString() },
              ...approval,
            },
          },
        }),
  };
  return {
    x402Version: 2,
    accepted: structuredClone(wireRequirement(offered)),
    payload: {
      signature,
      permit2Authorization: {
        from: account.address as string,
        permitted: { token: checksummed(usdc.address) as string, amount: value.toString() },
        spender: checksummed(UPTO_PROXY) as string,
        nonce: hexToBigInt(authorization.nonce).toString(),
        deadline: authorization.validBefore.toString(),
        witness: {
          to: checksummed(authorization.to) as string,
          facilitator: checksummed(permit.facilitator) as string,
          validAfter: authorization.validAfter.toString(),
        },
      },
    },
    ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
  };
};

/** What the gateway concludes from a payment of any scheme. */
export const checkUpto = async (
  config: Config,
  tool: Tool,
  payload: unknown,
  observed: ReceivedRequest,
): Promise<Outcome> => {
  const headers = new Headers(paymentHeader(payload));
  const claimed = readProof(headers);
  if (!claimed.ok) return claimed;
  const { value } = claimed;
  const read = value.kind === 'unread' ? await readUpto(headers, value) : ok(value);
  if (!read.ok) return read;
  if (read.value.kind !== 'payment') throw new Error('is a payment');
  return checkPayment(config, tool, observed, read.value.payload, NOW, read.value.scheme);
};
