import { type Hex, parseEventLogs, type TransactionReceipt } from 'viem';
import { type ChainClient, usdc, usdcAbi } from '../../../dev/stack/chain-access.ts';
import { people } from '../../../dev/stack/people.ts';

/** A transfer to `payTo`. */
export type Moved = {
  readonly from: Hex;
  readonly value: bigint;
  /** Nonce of the authorization. Undefined for a plain transfer. */
  readonly nonce: Hex | undefined;
  readonly transaction: Hex;
  /** Whether a backend of the gateway sent the transaction. */
  readonly byBackend: boolean;
};

/** All transfers to `payTo`, and the cost of the backends, read from the chain's receipts. */
export type ChainRecord = {
  readonly moved: readonly Moved[];
  /** Transactions of backends, including those that failed. */
  readonly transactions: number;
  readonly gas: bigint;
};

const SENDERS: ReadonlySet<string> = new Set(
  people.facilitators.map(({ address }) => address.toLowerCase()),
);

/** Reads every block. */
export const readChain = async (client: ChainClient): Promise<ChainRecord> => {
  const head = Number(await client.getBlockNumber());
  const moved: Moved[] = [];
  let transactions = 0;
  let gas = 0n;
  for (let number = 0; number <= head; number += 1) {
    const receipts = (await (client.request as (call: object) => Promise<unknown>)({
      method: 'eth_getBlockReceipts',
      params: [`0x${number.toString(16)}`],
    })) as readonly TransactionReceipt[];
    for (const receipt of receipts) {
      moved.push(...movedBy(receipt));
      if (!SENDERS.has(receipt.from.toLowerCase())) continue;
      transactions += 1;
      gas += BigInt(receipt.gasUsed);
    }
  }
  return { moved, transactions, gas };
};

/** Finds each Transfer to `payTo`. The token's log directly before it names the authorization (EIP-3009). */
const movedBy = ({
  logs,
  transactionHash: transaction,
  from: sender,
}: TransactionReceipt): readonly Moved[] => {
  const own = parseEventLogs({
    abi: usdcAbi,
    logs: logs.filter(({ address }) => address.toLowerCase() === usdc.address),
  }).toSorted((one, other) => Number(one.logIndex) - Number(other.logIndex));
  return own.flatMap((event, at): readonly Moved[] => {
    if (event.eventName !== 'Transfer') return [];
    const { from, to, value } = event.args;
    if (to.toLowerCase() !== people.payTo.toLowerCase()) return [];
    const before = own[at - 1];
    const nonce = before?.eventName === 'AuthorizationUsed' ? before.args.nonce : undefined;
    const byBackend = SENDERS.has(sender.toLowerCase());
    return [{ from: from.toLowerCase() as Hex, value, nonce, transaction, byBackend }];
  });
};
