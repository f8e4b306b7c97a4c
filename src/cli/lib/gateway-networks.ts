import * as z from 'zod/mini';
import { chainIdOf, type Network } from '../../protocol/account-id.ts';
import { type Address } from '../../core/hex.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exit-code.ts';
import { httpGet } from './http-get.ts';

/** A chain that a gateway takes, and what is paid with there. */
export type GatewayNetwork = {
  readonly network: Network;
  readonly chainId: number;
  readonly asset: Address;
};

const address = z.pipe(
  z.string().check(z.regex(/^0x[0-9a-fA-F]{40}$/)),
  z.transform((text) => text.toLowerCase() as Address),
);

/** Whatever else a gateway says of itself is passed over: a newer one may say more. */
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

/** The chains of a gateway, as its description names them. @throws CliError */
export const networksOf = async (
  gateway: string,
  signal: AbortSignal,
): Promise<readonly [GatewayNetwork, ...GatewayNetwork[]]> => {
  const got = await httpGet(`${gateway}/.well-known/agent-intent`, signal);
  if (!got.ok) {
    throw new CliError(`${gateway} cannot be reached. ${got.error}`, {
      hint: 'Check --gateway and the network. `countersign doctor` looks at each part.',
      exit: EXIT.network,
      code: 'unreachable',
    });
  }
  const read = schema.safeParse(got.value.json);
  const [first, ...more] = read.success
    ? read.data.networks.map(({ network, asset }) => {
        const on = network as Network;
        return { network: on, chainId: chainIdOf(on) ?? 0, asset };
      })
    : [];
  if (got.value.status === 200 && first !== undefined) return [first, ...more];
  throw new CliError(`${gateway} does not describe itself as a gateway.`, {
    hint: 'Correct --gateway. `countersign doctor` looks at each part.',
    code: 'no_gateway',
  });
};
