import { CountersignError } from '../../../client/errors.ts';
import type { Management } from '../../../client/management.ts';

export type Change = (management: Management) => Promise<unknown>;

/** Reads the stored state after a change can no longer take effect. @returns one sentence about that state */
export type Settle = (management: Management) => Promise<string>;

/**
 * A change on its way. While its answer is lost, `change` with the same `management` sends the same signed command again, which the gateway
 * carries out at most once (docs/management.md §3).
 */
export type SentChange = {
  readonly change: Change;
  readonly settle: Settle;
  readonly management: Management;
  /**
   * `lost`: the gateway may have carried it out, and may still do so. `over`: the gateway no longer can, and the stored state is not read
   * yet.
   */
  readonly state: 'new' | 'lost' | 'over';
};

/** The progress of a change. `settled`: its answer was lost, and the stored state was read instead. */
export type Step =
  | { readonly is: 'done' }
  | { readonly is: 'failed'; readonly thrown: unknown }
  | { readonly is: 'lost'; readonly sent: SentChange; readonly thrown: unknown }
  | { readonly is: 'settled'; readonly found: string };

/** The state of a change after an attempt threw. After a lost answer, only a problem from the gateway itself ends the state `lost`. */
const stateAfter = (thrown: unknown, before: SentChange['state']): SentChange['state'] => {
  if (!(thrown instanceof CountersignError)) return before;
  if (thrown.code === 'command_lost') return thrown.problem === undefined ? 'lost' : 'over';
  return before === 'lost' && thrown.code === 'refused' ? 'over' : before;
};

/**
 * Sends a change, or repeats one whose answer was lost.
 *
 * Race: the gateway may have carried out a change whose answer was lost, and would carry out a second signature for it as well. The page asks
 * for a new signature only after the first one has ended and the page has read the stored state.
 *
 * @param management reads the stored state
 */
export const carryOn = async (sent: SentChange, management: Management): Promise<Step> => {
  let { state } = sent;
  if (state !== 'over') {
    try {
      await sent.change(sent.management);
      return { is: 'done' };
    } catch (thrown) {
      state = stateAfter(thrown, state);
      if (state === 'new') return { is: 'failed', thrown };
      if (state === 'lost') return { is: 'lost', sent: { ...sent, state }, thrown };
    }
  }
  try {
    return { is: 'settled', found: await sent.settle(management) };
  } catch (thrown) {
    return { is: 'lost', sent: { ...sent, state }, thrown };
  }
};
