import { effect } from '@preact/signals';
import { self, session } from '../../session/session.ts';
import { createMemories } from './memories.ts';

const ofSession = createMemories();
const ofAccount = createMemories();

// Signals run effects before anything is drawn again: a page of the next session never sees what the last one read.
effect(() => {
  void session.value;
  ofSession.forget();
});
effect(() => {
  void self.value;
  ofAccount.forget();
});

/** Memory for what the pages read. It is empty again once the session ends, however it ends. */
export const sessionMemory = ofSession.memory;

/** Memory for what a person typed. It outlives a session that ended, and is empty after signing out and for another account. */
export const accountMemory = ofAccount.memory;
