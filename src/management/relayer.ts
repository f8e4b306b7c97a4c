import type { Flight, RelayerStatus } from '../protocol/relayer-contract.ts';
import type { Network } from '../protocol/account-id.ts';
import type { Handler } from './handler.ts';
import type { AnswerOf } from './types.ts';
import type { AdminContext } from './admin-context.ts';
import { present, reply } from './reply.ts';

type Item = AnswerOf<'relayers'>['items'][number];

/** How long an object may take to say how it stands, milliseconds. It may be waiting for its chain. */
const PATIENCE = 5_000;

/** How our own keys stand, one a network. What of them does not answer keeps nobody from seeing the others. */
export const list: Handler<'relayers'> = async ({ context }) => {
  const networks = [...context.config.relayers.keys()];
  const items = await Promise.all(networks.map((network) => itemOf(context, network)));
  const body: AnswerOf<'relayers'> = { items };
  return reply(body);
};

const itemOf = async (context: AdminContext, network: Network): Promise<Item> => {
  const status = await statusOf(context, network);
  if (status?.verdict !== 'found') {
    return { network, state: status === undefined ? 'unavailable' : 'unconfigured' };
  }
  const { address, balance, balanceAt, covers, waiting, oldestAt, totals, lastError } = status;
  return {
    ...{ network, state: 'ready', address, waiting, flights: status.flights.map(flightOf) },
    totals: {
      ...{ transactions: totals.transactions, payments: totals.payments, fees: totals.fees },
      ...{ replaced: totals.replaced, gas_used: totals.gasUsed },
    },
    ...present({
      ...{ balance, balance_at: balanceAt, covers, oldest_at: oldestAt },
      last_error: lastError === undefined ? undefined : { at: lastError.at, text: lastError.text },
    }),
  };
};

const flightOf = ({ nonce, hashes, payments, maxFeePerGas, sentAt, block }: Flight) => ({
  ...{ nonce, hashes: [...hashes], payments, max_fee_per_gas: maxFeePerGas, sent_at: sentAt },
  ...present({ block }),
});

const statusOf = async (
  context: AdminContext,
  network: Network,
): Promise<RelayerStatus | undefined> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), PATIENCE);
    });
    return await Promise.race([context.relayer(network).status(), late]);
  } catch (cause) {
    console.error({ event: 'relayer_unavailable', network, cause: String(cause) });
    return undefined;
  } finally {
    clearTimeout(timer);
  }
};
