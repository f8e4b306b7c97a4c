import { nowSeconds } from '../../../core/clock.ts';
import { isObject } from '../../../core/json-object.ts';
import { assetId, type AssetId, type Network } from '../../../protocol/account-id.ts';
import { tokenOf } from '../../../protocol/x402/networks.ts';
import { noteClock } from './gateway-clock.ts';

/** The parts of the gateway's description at `/.well-known/agent-intent` that pages need. */
export type GatewayFacts = {
  /** The account whose log holds tools, webhooks and secrets (docs/management.md). */
  readonly account: string;
  /** The networks on which it takes payments, its default network first. */
  readonly networks: readonly {
    readonly network: string;
    readonly chainId: number;
    readonly payTo: string;
  }[];
};

const CHAIN = /^eip155:([1-9][0-9]{0,15})$/;

const read = async (): Promise<GatewayFacts> => {
  const asked = nowSeconds();
  const answer = await fetch('/.well-known/agent-intent', { redirect: 'manual' });
  noteClock(answer, asked);
  const described: unknown = await answer.json();
  if (!isObject(described) || !Array.isArray(described['networks'])) {
    throw new Error('The gateway did not describe itself.');
  }
  const listed = described['networks'] as readonly unknown[];
  const networks = listed.filter(isObject).flatMap((each) => {
    const network = String(each['network']);
    const chainId = Number(CHAIN.exec(network)?.[1] ?? 0);
    return chainId === 0 ? [] : [{ network, chainId, payTo: String(each['pay_to']) }];
  });
  return { account: String(described['gateway_account']), networks };
};

let known: Promise<GatewayFacts> | undefined;

/** Reads the document once, and again after a failure. @throws Error if the answer is not that of a gateway */
export const readGatewayFacts = async (): Promise<GatewayFacts> => {
  known ??= read();
  try {
    return await known;
  } catch (thrown) {
    known = undefined;
    throw thrown;
  }
};

/** The dollar tokens that the gateway takes. */
export const tokensOf = ({ networks }: GatewayFacts): readonly AssetId[] =>
  networks.flatMap(({ network }) => {
    const token = tokenOf(network as Network);
    return token === undefined ? [] : [assetId(token.network, token.address)];
  });
