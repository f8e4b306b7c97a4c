import { CountersignError } from '../../../client/errors.ts';
import { createOutbox, type OutboxPlace } from '../../../client/outbox.ts';
import type { Seconds } from '../../../core/clock.ts';
import type { AccountId } from '../../../protocol/account-id.ts';
import { WalletFault } from '../../session/wallet-refusal.ts';
import { answerOfCommand, type CommandAnswer } from './answer-of-command.ts';
import { readCommand, type SignedCommand, slotOf } from './signed-command.ts';

/** The clock of this device may be ahead of the gateway's: a command that can still take effect must not be forgotten. */
const CLOCK_MARGIN: Seconds = 120;

/** Tells a person why the page neither signs nor sends a second command of a slot. */
export const SECOND = {
  text: 'An earlier change like this one has no answer yet, and both could take effect.',
  hint: 'Close this dialog and send the earlier one again at the top of the page.',
};

/** Tells a person why the page does not send a command that it cannot store. */
export const SILENT_STORAGE = {
  text: 'The storage of this browser no longer answers, so the page cannot keep the signed change.',
  hint: 'Nothing was sent. Reload the page, then try again.',
};

/** A command without an answer. `isOver`: the command has expired at the gateway, so a person may dismiss it. */
export type OpenCommand = { readonly command: SignedCommand; readonly isOver: boolean };

/** The commands without an answer, of one wallet at one gateway. */
export type Commands = {
  /** Whether a command of this slot may still take effect. */
  readonly isOpen: (slot: string) => Promise<boolean>;
  /**
   * Stores a command until an answer decides it, and sends it.
   *
   * @throws CountersignError `signer_failed`, and sends nothing, if another command of its slot is open, e.g. of another tab, or if the shelf
   * does not store this one
   */
  readonly send: (
    command: SignedCommand,
    send: () => Promise<Response>,
  ) => Promise<readonly [Response, CommandAnswer]>;
  readonly dismiss: (command: SignedCommand) => Promise<boolean>;
  /** Lists the open commands, oldest first. Deletes stored values that are not commands of this wallet. */
  readonly open: () => Promise<readonly OpenCommand[]>;
};

/**
 * The wallet and the gateway are part of the key, so that no other wallet reads or sends a command; `readCommand` compares both with the proof.
 *
 * A thief of the browser's profile can only send commands that the wallet has signed, to the gateway that they name, and the gateway
 * carries out each at most once. Signing out keeps the commands: without a stored command, the page would let the wallet sign the same
 * change again.
 *
 * @param now a time that has certainly passed at the gateway
 */
export const commandsOf = (
  account: AccountId,
  gateway: string,
  place: OutboxPlace,
  now: () => Seconds,
): Commands => {
  const prefix = `${gateway} ${account} `;
  const keyOf = (command: SignedCommand): string => prefix + slotOf(command);
  const outbox = createOutbox<SignedCommand>(
    {
      idOf: ({ id }) => id,
      write: ({ account: _, id: _id, tool: _tool, until: _until, ...stored }) => stored,
      read: async (value, key) => {
        const command = await readCommand(value, account, gateway);
        return command !== undefined && keyOf(command) === key ? command : undefined;
      },
      endOf: ({ until }) => (until === undefined ? undefined : until + CLOCK_MARGIN),
    },
    { ...place, now },
  );
  return {
    isOpen: async (slot) => (await outbox.look(prefix + slot)).is === 'undecided',
    send: async (command, send) => {
      // Race: a page that is closed after the request has left never sees the answer.
      const keeping = await outbox.keep(keyOf(command), command);
      if (keeping === 'taken' || keeping === 'denied') {
        const refusal = keeping === 'taken' ? SECOND : SILENT_STORAGE;
        const cause = new WalletFault(refusal);
        throw new CountersignError('signer_failed', refusal.text, { cause });
      }
      const response = await send();
      const answer = await answerOfCommand(command, response, keeping === 'again');
      if (answer.is !== 'open') await outbox.decide(keyOf(command), command);
      return [response, answer];
    },
    dismiss: async (command) => await outbox.dismiss(keyOf(command)),
    open: async () => {
      const commands: OpenCommand[] = [];
      for (const [key, slot] of await outbox.list(prefix)) {
        if ('request' in slot) commands.push({ command: slot.request, isOver: slot.is === 'over' });
        else await outbox.discard(key);
      }
      return commands.toSorted((a, b) => a.command.sentAt - b.command.sentAt);
    },
  };
};
