import * as z from 'zod/mini';
import { type Network, chainIdOf } from '../protocol/account-id.ts';
import { reading } from '../protocol/wire-fields.ts';
import { page } from './fields.ts';

const NETWORK = 'must be a network like "eip155:8453"';
const network = reading(z.string(NETWORK), NETWORK, (text): Network | undefined =>
  chainIdOf(text) === undefined ? undefined : (text as Network),
);

export const DIFFERENCE_STATES = ['open', 'resolved', 'all'] as const;

export const reconciliationsQuery = z.strictObject({ ...page, network: z.exactOptional(network) });

export const differencesQuery = z.strictObject({
  ...page,
  state: z.exactOptional(
    z.enum(DIFFERENCE_STATES, `must be one of ${DIFFERENCE_STATES.join(', ')}`),
  ),
  network: z.exactOptional(network),
});
