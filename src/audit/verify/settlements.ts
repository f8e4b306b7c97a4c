import type { Hex } from '../../core/hex.ts';
import { type AccountId, chainIdOf, parseAccountId } from '../../protocol/account-id.ts';
import { parseAmount } from '../../protocol/amount.ts';
import type { Entry } from '../../protocol/entry.ts';
import { factsIf } from '../../protocol/log/facts.ts';
import {
  type ExpectedTransfer,
  findPermitTransfer,
  findTransfer,
} from '../../settlement/chain/expected-transfer.ts';
import {
  readAnswer,
  quantitySchema,
  type RpcAnswer,
  rpcBatch,
} from '../../settlement/chain/json-rpc.ts';
import {
  nonceBitmap,
  readBit,
  readCall,
  settledPermit,
} from '../../settlement/chain/permit-calls.ts';
import {
  type ChainQuery,
  readFlag,
  readReceipt,
  runQueries,
} from '../../settlement/chain/query.ts';
import { authorizationState } from '../../settlement/chain/token-calls.ts';
import { paymentProofSchema } from '../evidence-schema.ts';
import type { Check, HashedEntry } from './check.ts';
import { createTally } from './tally.ts';

/** Settlements that wait for one batch of requests. */
const BATCH = 200;

/** Nodes of chains, by chain id. */
export type Nodes = ReadonlyMap<number, readonly string[]>;

/** Asks each node for its chain. A node that does not answer serves none. */
export const nodesOf = async (urls: readonly string[]): Promise<Nodes> => {
  const nodes = new Map<number, readonly string[]>();
  for (const url of urls) {
    const answers = await rpcBatch([url], [{ method: 'eth_chainId', params: [] }]);
    const [answer] = answers.ok ? answers.value : [];
    const chainId = answer && readAnswer(answer, quantitySchema);
    if (chainId !== undefined) nodes.set(chainId, [...(nodes.get(chainId) ?? []), url]);
  }
  return nodes;
};

type Waiting = {
  readonly seen: HashedEntry;
  readonly expected: ExpectedTransfer;
  readonly transaction: Hex;
  readonly block: number | undefined;
};

/**
 * Checks on the chain that every `payment.settled` moved exactly the money that the payer signed for: the transaction has the token's
 * `AuthorizationUsed` of this nonce, and the next log of the token is the `Transfer` (`findTransfer`, as the gateway concludes).
 */
export const createSettlements = (nodes: Nodes): Check => {
  const tally = createTally('settlements');
  let account: AccountId | undefined;
  let open = new Map<Hex, ExpectedTransfer>();
  const waiting = new Map<number, Waiting[]>();

  const flush = async (chainId: number): Promise<void> => {
    const batch = waiting.get(chainId) ?? [];
    waiting.delete(chainId);
    const answers = await runQueries(nodes.get(chainId) ?? [], batch.map(queryOf));
    for (const [at, one] of batch.entries()) {
      const answer = answers[at];
      const found = answer?.ok === true ? answer.value : 'unknown';
      if (found === 'settled') tally.prove();
      else if (found === 'unknown') {
        tally.skip('a node did not return some transactions; give --rpc a node that keeps them');
      } else tally.breakAt(one.seen, found, found === 'other_block' ? 'payment.block' : undefined);
    }
  };

  const see = (seen: HashedEntry): void | Promise<void> => {
    const { entry } = seen;
    if (entry.account !== account) {
      ({ account } = entry);
      open = new Map();
    }
    const { call, type } = entry;
    if (call === undefined) return;
    if (type === 'call.accepted' || type === 'call.parked') {
      const expected = expectedOf(entry);
      if (expected !== undefined) open.set(call, expected);
      return;
    }
    const settled = factsIf(entry, 'payment.settled');
    if (settled === undefined) return;
    const { transaction, block } = settled.payment;
    const expected = open.get(call);
    const chainId = chainIdOf(parseAccountId(entry.account)?.network ?? '');
    if (expected === undefined || chainId === undefined) {
      return tally.skip('some payments were accepted in entries that are not in the files');
    }
    if (transaction === undefined || !/^0x[0-9a-f]{64}$/.test(transaction)) {
      return tally.breakAt(seen, 'missing', 'payment.transaction');
    }
    open.delete(call);
    if (!nodes.has(chainId)) {
      return tally.skip(`no node of chain ${chainId} answers; give --rpc one`);
    }
    const batch = waiting.get(chainId) ?? [];
    const amount = parseAmount(settled.amounts?.amount ?? '') ?? expected.value;
    const charged = expected.facilitator === undefined ? expected : { ...expected, value: amount };
    batch.push({ seen, expected: charged, transaction: transaction as Hex, block });
    waiting.set(chainId, batch);
    return batch.length < BATCH ? undefined : flush(chainId);
  };

  return {
    id: 'settlements',
    see,
    end: async () => {
      for (const chainId of waiting.keys()) await flush(chainId);
      return tally.finding();
    },
  };
};

type Found = 'settled' | 'unknown' | 'not_settled' | 'other_transfer' | 'other_block';

const queryOf = ({ expected, transaction, block }: Waiting): ChainQuery<Found> => ({
  calls: [
    { method: 'eth_getTransactionReceipt', params: [transaction] },
    ...(expected.facilitator === undefined
      ? [authorizationState(expected.token, expected.payer, expected.nonce)]
      : [
          nonceBitmap(expected.payer, expected.nonce),
          { method: 'eth_getTransactionByHash', params: [transaction] },
        ]),
  ],
  read: ([answer, state, sent]) => {
    const receipt = readReceipt(answer);
    const isPermit = expected.facilitator !== undefined;
    const isUsed = isPermit ? readBit(state, expected.nonce) : readFlag(state);
    // A node may have forgotten old transactions, so a missing one proves nothing. An unused nonce does.
    if (receipt === undefined) return isUsed === false ? 'not_settled' : 'unknown';
    if (receipt.transactionHash !== transaction) return 'unknown';
    if (isPermit && !isSettlementOf(expected, sent)) return 'other_transfer';
    const find = isPermit ? findPermitTransfer : findTransfer;
    const finding = find(
      { ...expected, sinceBlock: receipt.blockNumber },
      {
        succeeded: receipt.status === '0x1',
        block: receipt.blockNumber,
        transaction,
        logs: receipt.logs,
      },
    );
    if (finding !== 'settled') return 'other_transfer';
    return block === receipt.blockNumber ? 'settled' : 'other_block';
  },
});

/** Whether the transaction is a call of the proxy with this payer and nonce, sent by the account that the permit names. */
const isSettlementOf = (expected: ExpectedTransfer, answer: RpcAnswer | undefined): boolean => {
  const call = readCall(answer);
  const settled = call && settledPermit(call);
  return (
    call?.from === expected.facilitator &&
    settled?.payer === expected.payer &&
    settled.nonce === expected.nonce
  );
};

/** The transfer that the payer of an accepted call signed. Any part of a permit may move: `payment.settled` states how much. */
const expectedOf = ({ evidence }: Entry): ExpectedTransfer | undefined => {
  const parsed = paymentProofSchema.safeParse(evidence);
  if (!parsed.success) return undefined;
  const { token, authorization, facilitator } = parsed.data;
  return {
    token: token.address,
    payer: authorization.from,
    payTo: authorization.to,
    value: authorization.value,
    nonce: authorization.nonce,
    validBefore: authorization.validBefore,
    sinceBlock: 0,
    ...(facilitator === undefined ? {} : { facilitator }),
  };
};
