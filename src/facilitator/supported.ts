import type { Config } from '../config/config.ts';
import { nameOfNetwork } from '../protocol/x402/networks.ts';

/** `GET /facilitator/supported`: the kinds of payments that the facilitator settles, and the addresses that pay the gas. */
export const supported = ({
  facilitates,
  relayers,
}: Pick<Config, 'facilitates' | 'relayers'>): Response => {
  const networks = [...facilitates.keys()];
  const kinds = networks.flatMap((network) => {
    const name = nameOfNetwork(network);
    return [
      { x402Version: 2, scheme: 'exact', network },
      ...(name === undefined ? [] : [{ x402Version: 1, scheme: 'exact', network: name }]),
    ];
  });
  const signers = new Set(networks.flatMap((network) => relayers.get(network)?.addresses ?? []));
  return Response.json(
    { kinds, extensions: [], signers: { 'eip155:*': [...signers] } },
    { headers: { 'Cache-Control': 'public, max-age=300' } },
  );
};
