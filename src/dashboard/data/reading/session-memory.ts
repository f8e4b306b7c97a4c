import { effect } from '@preact/signals';
import { self, session } from '../../session/session.ts';
import { createMemories } from './memories.ts';

const ofSession = createMemories();
const ofAccount = createMemories();

// Signals run effects before the next render, so a page of the next session never sees data of the last one.
effect(() => {
  void session.value;
  ofSession.forget();
});
effect(() => {
  void self.value;
  ofAccount.forget();
});

/** Memory for data that pages read. It is emptied when the session ends, for any reason. */
export const sessionMemory = ofSession.memory;

/** Memory for texts that a person typed. It survives an expired session, and is emptied by signing out and for another account. */
export const accountMemory = ofAccount.memory;
