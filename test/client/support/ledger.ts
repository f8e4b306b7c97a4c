import type { Hex, LocalAccount } from 'viem';
import type { Signer } from '../../../src/client/index.ts';

/** An EIP-3009 transfer that the account has signed: money that its holder can move. */
export type SignedTransfer = {
  readonly chainId: number;
  readonly token: string;
  readonly name: string;
  readonly version: string;
  readonly to: string;
  /** Atomic units. */
  readonly value: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly nonce: string;
};

/** An `AgentIntent` that the account has signed. */
export type SignedIntent = {
  readonly audience: string;
  readonly tool: string;
  readonly method: string;
  readonly target: string;
  readonly maxAmount: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
};

/** An account with a record of everything that it has signed. */
export type Ledger = {
  readonly signer: Signer;
  readonly transfers: readonly SignedTransfer[];
  readonly intents: readonly SignedIntent[];
  /** Primary types of all other signed messages. A client must not sign any. */
  readonly others: readonly string[];
  /** The sum of all transfers, in atomic units. */
  readonly total: () => bigint;
  /** Every signature without 0x. No error message may contain one. */
  readonly signatures: readonly string[];
};

/** Wraps an account and records its signatures, so that a test need not trust the client's own figures. */
export const ledgerOf = (account: LocalAccount): Ledger => {
  const transfers: SignedTransfer[] = [];
  const intents: SignedIntent[] = [];
  const others: string[] = [];
  const signatures: string[] = [];
  const signTypedData: Signer['signTypedData'] = async (data) => {
    const { domain, primaryType, message } = data;
    const text = (name: string): string => String(message[name] as string);
    const integer = (name: string): bigint => BigInt((message[name] ?? -1) as string);
    const window = { validAfter: integer('validAfter'), validBefore: integer('validBefore') };
    if (primaryType === 'TransferWithAuthorization') {
      transfers.push({
        ...window,
        chainId: domain.chainId,
        token: domain.verifyingContract ?? '',
        name: domain.name,
        version: domain.version ?? '',
        to: text('to').toLowerCase(),
        value: integer('value'),
        nonce: text('nonce'),
      });
    } else if (primaryType === 'AgentIntent') {
      intents.push({
        ...window,
        audience: text('audience'),
        tool: text('tool'),
        method: text('method'),
        target: text('target'),
        maxAmount: integer('maxAmount'),
      });
    } else {
      others.push(primaryType);
    }
    const signature: Hex = await account.signTypedData(
      data as unknown as Parameters<LocalAccount['signTypedData']>[0],
    );
    signatures.push(signature.slice(2));
    return signature;
  };
  return {
    signer: { address: account.address, signTypedData },
    transfers,
    intents,
    others,
    signatures,
    total: () => transfers.reduce((sum, { value }) => sum + value, 0n),
  };
};
