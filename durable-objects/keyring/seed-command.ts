import type { SealedSeed } from '../../src/signer/fleet-seed.ts';
import { FLEET } from '../../src/signer/fleet-seed.ts';
import type { Changing } from './command.ts';

/** Makes the fleet seed, or encrypts it with the current `SIGNER_KEY`. @param sealed made, or encrypted again, outside the transaction */
export const keepSeed =
  (sealed: SealedSeed): Changing =>
  (state) => {
    const isNew = state.seed === undefined;
    const isChanged = isNew || state.seed.kek !== sealed.kek;
    return {
      state: isChanged ? { ...state, seed: sealed } : state,
      writes: [],
      entries: isChanged
        ? [
            {
              type: 'signer.seed',
              decision: isNew ? 'made' : 'encrypted_again',
              outcome: { fleet: FLEET, key: sealed.kek },
            },
          ]
        : [],
      answer: { fleet: { fleet: FLEET, children: state.agents } },
    };
  };

/** Records that the seed left the signer, encrypted to a recipient. */
export const exportSeed =
  (recipient: string, backup: string): Changing =>
  (state) => ({
    state,
    writes: [],
    entries: [{ type: 'signer.exported', outcome: { fleet: FLEET, recipient } }],
    answer: { backup },
  });
