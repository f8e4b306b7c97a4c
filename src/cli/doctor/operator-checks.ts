import { type Check, failure, passed, warning } from '../lib/check.ts';
import { cliErrorOf } from '../lib/error-of.ts';
import { counted, lasting } from '../lib/text.ts';
import { shortTime } from '../lib/times.ts';
import type { Management } from '../../client/management.ts';
import type { ItemOf } from '../../management/routes.ts';

const QUEUES = 'queues';
/** Settlement rounds are seconds apart: a payment that waits this long met a problem. */
const LONG_WAIT = 900;

/** Open settlements and dead letters. */
export const queueCheck = async (
  management: Management,
  now: number,
  signal: AbortSignal,
): Promise<Check> => {
  try {
    const { body } = await management.call('queues', { signal });
    const { open_settlements: open, dead_letters: dead, oldest_open_at: oldest } = body;
    const says = `${counted(open, 'open settlement')}, ${counted(dead, 'dead letter')}`;
    if (dead > 0) {
      const hint =
        '`countersign settlements letters` shows why; `settlements resend` sends one again.';
      return warning(QUEUES, says, hint);
    }
    if (oldest !== undefined && now - oldest > LONG_WAIT) {
      return warning(
        QUEUES,
        `${says}, the oldest for ${lasting(now - oldest)}`,
        '`countersign settlements list --state open` shows the last backend and its error.',
      );
    }
    return passed(QUEUES, says);
  } catch (error) {
    signal.throwIfAborted();
    const { code, message, hint } = cliErrorOf(error);
    return code === 'not_found' || code === 'method_not_allowed'
      ? warning(QUEUES, 'the server has no management API', 'Check --gateway.')
      : failure(QUEUES, message, hint);
  }
};

/** Below this many payments, the gas of a relayer key runs out soon. */
const FEW_PAYMENTS = 1_000;

/** Health of backends, and gas of relayer keys. No checks for a server without these routes. */
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
    return [failure('backends', message, hint)];
  }
};

export const backendCheck = (backend: ItemOf<'backends'>): Check => {
  const { network, succeeded, failed, state, last_error: error, at } = backend;
  const name = `backend ${backend.backend}`;
  const says = `${network}: ${succeeded} accepted, ${failed} failed`;
  if (state === 'closed') return passed(name, says);
  const last = error === undefined ? '' : `, last ${error}`;
  const use = state === 'open' ? 'not used' : 'on trial';
  return warning(
    name,
    `${says}${last}; ${use} since ${shortTime(at)}`,
    'The gateway uses other backends meanwhile and retries this one by itself. See docs/operations.md.',
  );
};

export const relayerCheck = (relayer: ItemOf<'relayers'>): Check => {
  const name = `relayer ${relayer.network}`;
  if (relayer.state === 'unavailable')
    return failure(name, 'its object does not answer', 'Look at the logs of the Worker.');
  if (relayer.state !== 'ready')
    return warning(name, 'it is not set up', 'Check RELAYERS and RELAYER_KEY.');
  const { covers, waiting = 0, address = '' } = relayer;
  const gas =
    covers === undefined ? 'balance not read yet' : `gas for ${counted(covers, 'payment')}`;
  const says = `${gas}, ${counted(waiting, 'payment')} waiting`;
  const hint = `Send the chain's coin to ${address}.`;
  if (covers === undefined || covers >= FEW_PAYMENTS) return passed(name, says);
  return covers === 0 ? failure(name, says, hint) : warning(name, says, hint);
};
