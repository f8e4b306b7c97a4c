import { buyCredit, type Agreed } from '../../../../src/dashboard/payment/credit-purchase.ts';
import {
  type KeptPurchase,
  purchaseKey,
  purchasesIn,
} from '../../../../src/dashboard/payment/kept-purchase.ts';
import { storageShelf, type TextStorage } from '../../../../src/dashboard/session/storage-shelf.ts';
import { repeatPurchase } from '../../../../src/dashboard/payment/purchase-repeat.ts';
import {
  account,
  AGENT,
  BASE_SEPOLIA,
  binding,
  callOf,
  entry,
  GATEWAY,
  NOW,
  offer,
  type scripted,
  type Step,
} from '../../client/server.ts';

/** The account that receives the credit. It is not the payer's. */
export const FOR = `eip155:84532:0x${'ab'.repeat(20)}` as const;
export const AMOUNT = 20_000n;

const AUTHORIZATION_STATE = '0xe94a0102';

const wordOf = (value: bigint | undefined): string =>
  value === undefined ? '0x' : `0x${value.toString(16).padStart(64, '0')}`;

type WalletRules = {
  readonly refuses?: string;
  readonly balance?: bigint;
  /** Whether the wallet's chain shows the payment as used. Undefined if the wallet cannot read that. */
  readonly isUsed?: boolean;
  /** The time of the chain's newest block. By default long after every signature. */
  readonly chainTime?: number;
  /** The payment's log on the chain. */
  readonly log?: object;
  /** The wallet's id. By default that of the wallet that signs. */
  readonly id?: string;
  /** The address of the wallet's active account. */
  readonly address?: string;
};

/** A wallet with a real key. It counts its signatures by primary type. */
export const purchaseWallet = ({
  refuses,
  balance,
  isUsed,
  chainTime = NOW + 7200,
  log,
  id = 'example.wallet',
  address = AGENT,
}: WalletRules = {}) => {
  const signed: string[] = [];
  const asked: string[] = [];
  const request = async ({
    method,
    params = [],
  }: {
    readonly method: string;
    readonly params?: readonly unknown[];
  }): Promise<unknown> => {
    asked.push(`${method} ${JSON.stringify(params)}`);
    if (method === refuses) throw Object.assign(new Error('declined'), { code: 4001 });
    switch (method) {
      case 'eth_requestAccounts':
        return [address];
      case 'eth_chainId':
        return '0x14a34';
      case 'eth_getBlockByNumber':
        return { number: '0x64', timestamp: `0x${chainTime.toString(16)}` };
      case 'eth_blockNumber':
        return '0x64';
      case 'eth_getLogs':
        return log === undefined ? [] : [log];
      case 'eth_call':
        return JSON.stringify(params).includes(AUTHORIZATION_STATE)
          ? wordOf(isUsed === undefined ? undefined : BigInt(isUsed))
          : wordOf(balance);
      case 'eth_signTypedData_v4': {
        const typed = JSON.parse(String(params[1])) as {
          readonly primaryType: string;
          readonly types: object;
        };
        const { EIP712Domain: _, ...types } = typed.types as Record<string, unknown>;
        signed.push(typed.primaryType);
        return await account.signTypedData({ ...typed, types } as never);
      }
      default:
        throw new Error(`no ${method}`);
    }
  };
  return { id, name: 'Example', provider: { request }, signed, asked };
};

export const shelfOf = (): TextStorage & { readonly kept: Map<string, string> } => {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
};

/** The gateway's offer for credit. */
export const creditOffer = (more: Readonly<Record<string, unknown>> = {}): Response =>
  offer([entry({ amount: String(AMOUNT), ...more })], binding({ tool: 'countersign.credits' }));

/** The gateway's answer to a successful purchase. */
export const bought: Step = (arrived) =>
  Response.json({
    account: FOR,
    asset: 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e',
    amount: String(AMOUNT),
    payment: callOf(arrived),
  });

const purchasePlace = (storage: TextStorage) => ({
  shelf: storageShelf(() => storage),
  alone: async <R>(_: string, act: (isAlone: boolean) => Promise<R>): Promise<R> => await act(true),
});

type Made = {
  readonly server: ReturnType<typeof scripted>;
  readonly wallet?: Omit<ReturnType<typeof purchaseWallet>, 'asked' | 'signed'>;
  readonly shelf?: TextStorage;
  readonly now?: number;
  readonly clock?: () => number;
  readonly retries?: number;
};

const placeOf = ({ server, shelf = shelfOf(), now = NOW, clock, retries = 0 }: Made) => ({
  gateway: GATEWAY,
  ...purchasePlace(shelf),
  client: { fetch: server.fetch, now: clock ?? (() => now), retries },
});

/** Buys credit for another account, as the dialog does. */
export const buy = async (made: Made, agreed: Partial<Agreed> = {}) => {
  const { wallet = purchaseWallet() } = made;
  return await buyCredit(
    { amount: AMOUNT, account: FOR, ...agreed },
    { wallet, on: BASE_SEPOLIA, onStage: () => undefined },
    placeOf(made),
  );
};

/** The purchase stored on a shelf. */
export const keptIn = async (shelf: TextStorage): Promise<KeptPurchase | undefined> => {
  const slot = await purchasesIn(purchasePlace(shelf)).look(purchaseKey(FOR));
  return slot.is === 'undecided' ? slot.request : undefined;
};

/** Repeats the stored purchase to get its answer, as the dialog does. */
export const askAgain = async (made: Made & { readonly shelf: TextStorage }) => {
  const kept = await keptIn(made.shelf);
  if (kept === undefined) throw new Error('No purchase is kept.');
  const wallets = made.wallet === undefined ? [] : [made.wallet];
  return await repeatPurchase(kept, { wallets, onStage: () => undefined }, placeOf(made));
};
