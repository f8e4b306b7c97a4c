import { usdc } from '../../../dev/stack/chain-access.ts';
import { refundsTool } from '../../../src/catalog/gateway-tools.ts';
import type { Config } from '../../../src/config/config.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { observeOwn } from '../../../src/gateway/observe.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { addressWord, amountWord, TRANSFER } from '../../../src/settlement/chain/token-calls.ts';
import { KEY_ACCOUNT, type Node } from '../gateway/scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  PAY_TO,
  signIntent,
  vectorConfig,
  type Who,
} from '../gateway/signing.ts';

export const OPERATOR = addressOf('owner');

export const RECEIVER: Hex = `0x${'55'.repeat(20)}`;

export const ACCOUNT = `eip155:84532:${RECEIVER}`;

export const TOKEN = usdc.address.toLowerCase() as Hex;

export const HASH: Hex = `0x${'99'.repeat(32)}`;

export const config: Config = { ...vectorConfig(), operators: [OPERATOR] };

export const requestOf = (body: string, headers: Record<string, string> = {}) =>
  new Request('https://gw.example/admin/credits/refunds', {
    method: 'POST',
    body,
    headers: { 'Content-Type': 'application/json', ...headers },
  });

export const refundBody = (more: Record<string, unknown> = {}) =>
  JSON.stringify({ account: ACCOUNT, transaction: HASH, ...more });

export const signedRefund = async (
  body: string,
  options: { readonly who?: Who; readonly fields?: Partial<AgentIntent> } = {},
) => {
  const { who = 'owner', fields = {} } = options;
  const seen = await observeOwn(requestOf(body), config, refundsTool);
  if (!seen.ok) throw new Error(seen.error.reason);
  const intent = intentFor(seen.value, { agent: addressOf(who), ...fields });
  return requestOf(body, intentHeader(await signIntent(intent, who)));
};

export const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

type Log = {
  readonly address?: Hex;
  readonly from?: Hex;
  readonly to?: Hex;
  readonly amount?: bigint;
  readonly index?: number;
  readonly topic?: Hex;
};

/** A node with one transaction and these logs, in block 100 by default. */
export const nodeWith = (logs: readonly Log[], receipt: Record<string, unknown> = {}): Node => ({
  ...KEY_ACCOUNT,
  eth_getBlockByNumber: { number: '0x64', timestamp: '0x1' },
  eth_getTransactionReceipt: {
    status: '0x1',
    blockNumber: '0x64',
    transactionHash: HASH,
    logs: logs.map((log, at) => ({
      address: log.address ?? TOKEN,
      topics: [
        log.topic ?? TRANSFER,
        addressWord(log.from ?? PAY_TO),
        addressWord(log.to ?? RECEIVER),
      ],
      data: amountWord(log.amount ?? 5_000n),
      logIndex: `0x${(log.index ?? at).toString(16)}`,
      blockNumber: '0x64',
      transactionHash: HASH,
    })),
    ...receipt,
  },
});
