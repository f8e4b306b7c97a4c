import type { Management } from '../../client/management.ts';
import type { ItemOf } from '../../management/types.ts';
import { type Check, doubtful, passed, wrong } from '../lib/check.ts';
import { cliErrorOf } from '../lib/errors.ts';
import { shortTime } from '../lib/times.ts';
import { counted } from '../lib/text.ts';

type Backend = ItemOf<'backends'>;
type Relayer = ItemOf<'relayers'>;

/** A key that pays for fewer payments than this wants to be topped up soon. */
const FEW = 1_000;

/** Who presents payments, and the gas of our own keys, asked as an operator. Nothing of a gateway that does not know these routes. */
export const backendChecks = async (
  management: Management,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  try {
    const [{ body: backends }, { body: relayers }] = await Promise.all([
      management.call('backends', { signal }),
      management.call('relayers', { signal }),
    ]);
    return [...backends.items.map(backendCheck), ...relayers.items.map(relayerCheck)];
  } catch (error) {
    signal.throwIfAborted();
    const { code, message, hint } = cliErrorOf(error);
    if (code === 'not_found' || code === 'method_not_allowed') return [];
    return [wrong('backends', message, hint)];
  }
};

export const backendCheck = (each: Backend): Check => {
  const name = `backend ${each.backend}`;
  const says = `${each.network}: ${each.succeeded} taken, ${each.failed} failed`;
  if (each.state === 'closed') return passed(name, says);
  const error = each.last_error === undefined ? '' : `, last ${each.last_error}`;
  return doubtful(
    name,
    `${says}${error}; ${each.state === 'open' ? 'it is not asked' : 'it is on trial'} since ${shortTime(each.at)}`,
    'Others are asked meanwhile, and it is tried again by itself. See docs/operations.md.',
  );
};

export const relayerCheck = (each: Relayer): Check => {
  const name = `relayer ${each.network}`;
  if (each.state !== 'ready') {
    return each.state === 'unavailable'
      ? wrong(name, 'its object does not answer', 'Look at the logs of the Worker.')
      : doubtful(name, 'it is not set up', 'Check RELAYERS and RELAYER_KEY.');
  }
  const { covers, waiting = 0, address = '' } = each;
  const says = `${covers === undefined ? 'balance not read yet' : `gas for ${counted(covers, 'payment')}`}, ${counted(waiting, 'payment')} waiting`;
  const topUp = `Send coins of the chain to ${address}.`;
  if (covers === undefined || covers >= FEW) return passed(name, says);
  return covers === 0 ? wrong(name, says, topUp) : doubtful(name, says, topUp);
};
