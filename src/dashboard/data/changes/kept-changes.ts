import type { Management } from '../../../client/management.ts';
import { type Locks, oneChange } from './one-change.ts';
import { carryOn, type SentChange, type Step } from './sent-change.ts';

/** The changes of one account, by subject, so that a dialog that was closed continues its change. */
export type KeptChanges = {
  readonly locks: Locks;
  /** Changes whose answer was lost. */
  readonly lost: Map<string, SentChange>;
  /** Changes in progress: a person may close the dialog while the wallet still asks. */
  readonly underWay: Map<string, Promise<Step>>;
};

export const noChanges = (locks: Locks): KeptChanges => ({
  ...{ locks, lost: new Map(), underWay: new Map() },
});

/** Sends a change, and keeps it under its subject until it has ended. @param kept the changes of the account that signs */
export const carryOnKept = async (
  kept: KeptChanges,
  subject: string,
  sent: SentChange,
  management: Management,
): Promise<Step> => {
  const change = sent.state === 'new' ? oneChange(kept.locks, subject, sent.change) : sent.change;
  const going = carryOn({ ...sent, change }, management);
  kept.underWay.set(subject, going);
  const step = await going;
  kept.underWay.delete(subject);
  // Race: another account may have signed in meanwhile. It must not find this change, and send it again.
  if (step.is === 'lost') kept.lost.set(subject, step.sent);
  else kept.lost.delete(subject);
  return step;
};
