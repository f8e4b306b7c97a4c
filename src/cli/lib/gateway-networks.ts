import * as z from 'zod/mini';
import type { Address } from '../../core/hex.ts';
import { chainIdOf, type Network } from '../../protocol/account-id.ts';
import { CliError, EXIT } from './errors.ts';
import { httpGet } from './http-get.ts';

/** A network on which a gateway accepts payments, and the token it accepts. */
export type GatewayNetwork = {
  readonly network: Network;
  readonly chainId: number;
  readonly asset: Address;
};

const address = z.pipe(
  z.string().check(z.regex(/^0x[0-9a-fA-F]{40}$/)),
  z.transform((text) => text.toLowerCase() as Address),
);

const schema = z.looseObject({
  networks: z
    .array(
      z.looseObject({
        network: z.string().check(z.refine((text) => chainIdOf(text) !== undefined)),
        asset: address,
      }),
    )
    .check(z.minLength(1), z.maxLength(64)),
});

/** Reads the networks of a gateway from `/.well-known/agent-intent`. @throws CliError */
export const networksOf = async (
  gateway: string,
  signal: AbortSignal,
): Promise<readonly [GatewayNetwork, ...GatewayNetwork[]]> => {
  const answer = await httpGet(`${gateway}/.well-known/agent-intent`, signal);
  if (!answer.ok) {
    throw new CliError(`The command cannot reach ${gateway}. ${answer.error}`, {
      hint: 'Check --gateway and your network. `countersign doctor` checks each part.',
      exit: EXIT.network,
      code: 'unreachable',
    });
  }
  const read = schema.safeParse(answer.value.json);
  const [first, ...more] = read.success
    ? read.data.networks.map(({ network, asset }) => ({
        network: network as Network,
        chainId: chainIdOf(network) ?? 0,
        asset,
      }))
    : [];
  if (answer.value.status === 200 && first !== undefined) return [first, ...more];
  throw new CliError(`${gateway} does not describe itself as a Countersign gateway.`, {
    hint: 'Correct --gateway. `countersign doctor` checks each part.',
    code: 'no_gateway',
  });
};
