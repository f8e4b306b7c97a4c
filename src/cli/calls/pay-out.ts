import type { LocalAccount } from 'viem';
import type { Hex } from '../../core/hex.ts';
import { sleep } from '../../client/transport.ts';
import type { AnswerOf } from '../../management/routes.ts';
import { type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import { type AdminClient, networkOf } from '../lib/admin-client.ts';
import type { OptionSpec } from '../lib/command.ts';
import { CliError, cliErrorOf, EXIT, isRefusal, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';

/** Options that pay a refund out on chain. */
export const PAY_OUT: readonly OptionSpec[] = [
  {
    flags: '--transfer-from <name>',
    summary: 'pay it out on chain with this key, whose address is PAY_TO or an operator',
  },
  { flags: '--rpc <url>', summary: 'RPC endpoint of that chain', env: 'COUNTERSIGN_RPC_URL' },
];

/** The key and the chain of a transfer. */
export type Payer = {
  readonly account: LocalAccount;
  readonly rpc: string;
  readonly chainId: number;
  readonly asset: Hex;
};

/** Opens the key of `--transfer-from`; undefined without it. @throws CliError */
export const openPayer = async (
  admin: AdminClient,
  input: Input,
  to: AccountId,
): Promise<Payer | undefined> => {
  const name = input.text('transferFrom');
  if (name === undefined) return undefined;
  const { profile, env } = admin.session;
  const rpc = input.text('rpc') ?? env['COUNTERSIGN_RPC_URL'] ?? (await profile.stack())?.rpc ?? '';
  if (!URL.canParse(rpc))
    throw usageError(
      'A transfer needs the RPC endpoint of its chain.',
      'Give e.g. --rpc https://sepolia.base.org, or set COUNTERSIGN_RPC_URL.',
    );
  const { chainId, asset } = await networkOf(admin, to);
  const account = (await (await profile.named(name)).open()) as unknown as LocalAccount;
  const { createPublicClient, http } = await import('viem');
  const client = createPublicClient({ transport: http(rpc) });
  const [found, gas] = await Promise.all([
    client.getChainId(),
    client.getBalance({ address: account.address }),
  ]).catch((cause: unknown) => {
    throw new CliError(`The RPC endpoint ${new URL(rpc).host} does not answer.`, {
      hint: 'Check --rpc, e.g. --rpc https://sepolia.base.org. The command changed nothing.',
      ...{ exit: EXIT.network, code: 'unreachable', cause },
    });
  });
  // Check this before the refund: afterwards the refund would already be credit, and the transfer would be missing.
  if (gas === 0n)
    throw new CliError(`${account.address} has no coins of this chain to pay gas with.`, {
      hint: 'Send it some, then run the command again. Without --transfer-from the refund is credit at once.',
      code: 'no_gas',
    });
  if (found !== chainId)
    throw usageError(
      `The RPC endpoint is of chain ${found}, the call was paid on chain ${chainId}.`,
      'Give --rpc with an endpoint of that chain.',
    );
  return { account, rpc, chainId, asset };
};

export type PaidOut = {
  readonly from: string;
  readonly to: string;
  readonly transaction: Hex;
  /** Credit of the account afterwards, in atomic units. */
  readonly credit: string;
};

/** How long the gateway may take to regard the transfer as final. */
const FINAL_WITHIN_MS = 120_000;

/**
 * Sends the refunded amount to the payer's wallet, and takes the credit back: `credits.refund` reads the transfer on the chain. Every
 * failure names the remaining steps, because the credit exists from the first step on.
 */
export const payOut = async (
  admin: AdminClient,
  { account, rpc, chainId, asset }: Payer,
  { credited_to: credited, amount, call }: AnswerOf<'calls.refund'>,
): Promise<PaidOut> => {
  const { session } = admin;
  const params = { account: credited };
  if ((await admin.call('account.get', { params })).body.credit_frozen === true)
    throw new CliError(
      'The refund is credit now. It is not paid out, because a screening lists its payer.',
      {
        hint: 'The credit stays frozen until a screening clears the account: docs/screening.md.',
        ...{ exit: EXIT.denied, code: 'credit_frozen' },
      },
    );
  const to = parseAccountId(credited)?.address ?? '0x';
  const chain = {
    ...{ id: chainId, name: `eip155:${chainId}` },
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpc] } },
  };
  const { createPublicClient, createWalletClient, erc20Abi, http } = await import('viem');
  const transport = http(rpc);
  const wallet = createWalletClient({ account, chain, transport });
  const transaction = await session.progress
    .during('paying out', async () =>
      wallet.writeContract({
        ...{ address: asset, abi: erc20Abi, functionName: 'transfer' },
        args: [to, BigInt(amount)],
      }),
    )
    .catch((cause: unknown) => {
      throw new CliError(
        `The refund is credit now, but the node did not confirm the transfer from ${account.address}. ${firstLine(cause)}`,
        {
          // Race: a node may take a transaction and lose its answer. A second transfer would pay twice.
          hint: `Look at the transactions of that wallet before you send ${amount} atomic units to ${to}: the transfer may be among them. It needs the amount, and gas. Then run \`countersign credits refund ${credited} <transaction> --call ${call}\`. Until then the payer can spend the credit.`,
          code: 'transfer_unconfirmed',
          cause,
        },
      );
    });
  session.ifStopped(remaining(credited, transaction, call));
  const receipt = await session.progress
    .during('waiting for the transfer', async () =>
      createPublicClient({ chain, transport }).waitForTransactionReceipt({ hash: transaction }),
    )
    .catch((cause: unknown) => {
      throw new CliError(
        `The transfer ${transaction} is sent, but the node does not say whether it is in a block. ${firstLine(cause)}`,
        {
          hint: `Do not send it again. ${remaining(credited, transaction, call)}`,
          ...{ exit: EXIT.network, code: 'transfer_pending', cause },
        },
      );
    });
  if (receipt.status !== 'success')
    throw new CliError(`The refund is credit now, and the transfer ${transaction} reverted.`, {
      hint: `The wallet ${account.address} needs the amount. The payer can spend the credit; to pay it out later, send it and run \`countersign credits refund ${credited} <transaction> --call ${call}\`.`,
      code: 'transfer_failed',
    });
  const until = Date.now() + FINAL_WITHIN_MS;
  for (;;) {
    try {
      const { body } = await admin.call('credits.refund', {
        body: { account: credited, transaction, call },
      });
      return { from: account.address, to, transaction, credit: body.credit };
    } catch (thrown) {
      const mayEnd =
        isRefusal(thrown, 'transaction_not_final') || isRefusal(thrown, 'unknown_transaction');
      if (!mayEnd || Date.now() > until) {
        const error = cliErrorOf(thrown);
        throw new CliError(
          `The transfer ${transaction} is sent, but the gateway has not recorded it. ${error.message}`,
          {
            hint: remaining(credited, transaction, call),
            ...{ code: error.code, exit: error.exit, cause: error },
          },
        );
      }
      await session.progress.during('waiting until the transfer is final', async () =>
        sleep(2_000, session.signal),
      );
    }
  }
};

const firstLine = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).split('\n')[0] ?? '';

const remaining = (account: AccountId, transaction: Hex, call: Hex): string =>
  `Run \`countersign credits refund ${account} ${transaction} --call ${call}\`: it takes the credit back, once.`;
