import { CHAIN_ID } from './chain-access.ts';
import { people, type Person } from './people.ts';

const NETWORK = `eip155:${CHAIN_ID}`;

/** Variables of a gateway whose chain and facilitators are on this machine. */
export const localVariables = (options: {
  /** Origins that clients sign for, comma-separated. */
  readonly audience: string;
  readonly payTo: string;
  readonly rpc: string;
  /** URLs in the order in which the gateway tries them. */
  readonly facilitators: readonly string[];
}): Record<string, string> => ({
  AUDIENCES: options.audience,
  PAY_TO: JSON.stringify({ [NETWORK]: options.payTo }),
  RPC_URLS: JSON.stringify({ [NETWORK]: [options.rpc] }),
  // The local facilitator assigns nonces in order, so it can take as many parallel requests as a batch can send.
  FACILITATORS: JSON.stringify(options.facilitators.map((url) => ({ url, concurrency: 186 }))),
  CONFIRMATIONS: '1',
  LOCAL_STACK: 'true',
});

/**
 * Variables of a gateway with a relayer, as `countersign init` sets them. With this key, the relayer settles the payments for which the
 * facilitators have no capacity. The gateway is also the facilitator of `people.seller`.
 */
export const relayerVariables = ({ address, privateKey }: Person) => ({
  RELAYERS: JSON.stringify({ [NETWORK]: { addresses: [address], first: false } }),
  RELAYER_KEY: privateKey,
  FACILITATES: JSON.stringify({ [NETWORK]: [people.seller] }),
});
