import { inTime } from '../core/in-time.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import type { AdminContext, Handlers } from './handler.ts';
import type { RELAYER_ROUTES } from './relayer.route.ts';
import { reply } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import type { Address } from '../core/hex.ts';
import { type AccountId, accountId, type Network } from '../protocol/account-id.ts';
import type { Flight, RelayerStatus } from '../protocol/relayer-contract.ts';

type Item = AnswerOf<'relayers'>['items'][number];

/** A busy relayer may answer late; the list then omits its state. */
const STATUS_TIMEOUT_MS = 3_000;

const itemOf = async (context: AdminContext, network: Network, address: Address): Promise<Item> => {
  const status = await statusOf(context, accountId(network, address));
  if (status?.verdict !== 'found') {
    return { network, address, state: status === undefined ? 'unavailable' : 'unconfigured' };
  }
  const { balance, balanceAt, covers, waiting, oldestAt, totals, lastError } = status;
  return {
    ...{ network, state: 'ready', address, waiting, flights: status.flights.map(flightOf) },
    totals: {
      ...{ transactions: totals.transactions, payments: totals.payments, fees: totals.fees },
      ...{ replaced: totals.replaced, gas_used: totals.gasUsed },
    },
    ...withoutUndefined({
      ...{ balance, balance_at: balanceAt, covers, oldest_at: oldestAt },
      last_error: lastError === undefined ? undefined : { at: lastError.at, text: lastError.text },
    }),
  };
};

const flightOf = ({ nonce, hashes, payments, maxFeePerGas, sentAt, block }: Flight) => ({
  ...{ nonce, hashes: [...hashes], payments, max_fee_per_gas: maxFeePerGas, sent_at: sentAt },
  ...withoutUndefined({ block }),
});

const statusOf = async (
  context: AdminContext,
  key: AccountId,
): Promise<RelayerStatus | undefined> => {
  try {
    return await inTime(context.relayer(key).status(), STATUS_TIMEOUT_MS);
  } catch (cause) {
    console.error({ event: 'relayer_unavailable', key, cause: String(cause) });
    return undefined;
  }
};

export const relayerHandlers: Handlers<keyof typeof RELAYER_ROUTES> = {
  relayers: async ({ context }) => {
    const items = await Promise.all(
      [...context.config.relayers].flatMap(([network, { addresses }]) =>
        addresses.map((address) => itemOf(context, network, address)),
      ),
    );
    const body: AnswerOf<'relayers'> = { items };
    return reply(body);
  },
};
