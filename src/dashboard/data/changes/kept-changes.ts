import { CountersignError } from '../../../client/errors.ts';
import type { Management } from '../../../client/management.ts';
import { type Alone, createOutbox, type Outbox } from '../../../client/outbox.ts';
import { memoryShelf } from '../../../client/shelf.ts';
import { nowSeconds } from '../../../core/clock.ts';
import { WalletFault } from '../../session/wallet-refusal.ts';
import { carryOn, type SentChange, type Step } from './sent-change.ts';

/** The changes of one account, by subject, so that a dialog that is opened again continues its change. */
export type KeptChanges = {
  /** Only in memory, because the commands themselves are stored (`commands/`). */
  readonly outbox: Outbox<SentChange>;
  /** Changes in progress: a person may close the dialog while the wallet still asks. */
  readonly underWay: Map<string, Promise<Step>>;
};

export const noChanges = (alone: Alone): KeptChanges => ({
  outbox: createOutbox<SentChange>(
    {
      idOf: (change) => change,
      write: (change) => change,
      read: (change) => change as SentChange,
      endOf: () => undefined,
    },
    { shelf: memoryShelf(), alone, now: nowSeconds },
  ),
  underWay: new Map(),
});

const keyOf = (subject: string): string => `countersign-change ${subject}`;

/** Returns the change about a subject whose answer was lost. */
export const lostChange = async (
  { outbox, underWay }: KeptChanges,
  subject: string,
): Promise<SentChange | undefined> => {
  const slot = await outbox.look(keyOf(subject));
  return 'request' in slot && !underWay.has(subject) ? slot.request : undefined;
};

/**
 * Sends a change, and keeps it under its subject until it has ended.
 *
 * Race: two tabs that ask the wallet in the same moment would get two signatures. So only one tab at a time carries out a change about a
 * subject, from before the wallet asks until the answer.
 *
 * @param kept the changes of the account that signs: if another account signs in meanwhile, it must not find this change and send it again
 */
export const carryOnKept = async (
  { outbox, underWay }: KeptChanges,
  subject: string,
  sent: SentChange,
  management: Management,
): Promise<Step> => {
  const key = keyOf(subject);
  const attempt = async (change: SentChange) => {
    const step = await carryOn(change, management);
    if (step.is === 'lost') {
      await outbox.discard(key);
      await outbox.keep(key, step.sent);
    }
    return { isDecided: step.is !== 'lost', answer: step };
  };
  const going = outbox
    .once<Step>(key, {
      first: async (keep) => {
        await keep(sent);
        return await attempt(sent);
      },
      again: attempt,
    })
    .then((end): Step => {
      if (end.is === 'answered') return end.answer;
      const thrown = elsewhere();
      return sent.state === 'new' ? { is: 'failed', thrown } : { is: 'lost', sent, thrown };
    });
  underWay.set(subject, going);
  const step = await going;
  underWay.delete(subject);
  return step;
};

const elsewhere = (): CountersignError =>
  new CountersignError('signer_failed', 'Another tab makes this change.', {
    cause: new WalletFault({
      text: 'Another tab of this browser is making a change about the same.',
      hint: 'Finish it there, or close that tab, then try again.',
    }),
  });
