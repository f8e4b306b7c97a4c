import { createOutbox, type Outbox, type Place } from '../../../client/outbox.ts';
import type { Seconds } from '../../../core/clock.ts';
import type { AccountId } from '../../../protocol/account-id.ts';
import { readCommand, type SignedCommand, slotOf } from './signed-command.ts';

/** The clock of this device may be ahead of the gateway's: a command that can still take effect must not be forgotten. */
const CLOCK_MARGIN: Seconds = 120;

/** A command without an answer. `isOver`: it can take effect no more, so that it may be dismissed. */
export type OpenCommand = { readonly command: SignedCommand; readonly isOver: boolean };

/** The commands without an answer, of one wallet at one gateway. */
export type Commands = Pick<Outbox<SignedCommand>, 'look' | 'keep' | 'decide' | 'dismiss'> & {
  /** @param slot as `slotOf` and `slotOfSigning` name it */
  readonly keyOf: (slot: string) => string;
  /** The oldest first. Deletes what is no command of this wallet. */
  readonly open: () => Promise<readonly OpenCommand[]>;
};

/**
 * The wallet and the gateway are part of the key, so that no other wallet reads or sends a command; `readCommand` compares both with the proof.
 *
 * A thief of the browser's profile can only send what the wallet has signed, to the gateway that it was signed for, and the gateway carries it
 * out at most once. Signing out keeps the commands: forgetting one is how it would be signed a second time.
 *
 * @param now the time that has passed at the gateway for certain
 */
export const commandsOf = (
  account: AccountId,
  gateway: string,
  place: Place,
  now: () => Seconds,
): Commands => {
  const prefix = `${gateway} ${account} `;
  const keyOf = (slot: string): string => prefix + slot;
  const outbox = createOutbox<SignedCommand>(
    {
      idOf: ({ id }) => id,
      write: ({ account: _, id: _id, tool: _tool, until: _until, ...stored }) => stored,
      read: async (value, key) => {
        const command = await readCommand(value, account, gateway);
        return command !== undefined && keyOf(slotOf(command)) === key ? command : undefined;
      },
      endOf: ({ until }) => (until === undefined ? undefined : until + CLOCK_MARGIN),
    },
    { ...place, now },
  );
  return {
    ...outbox,
    keyOf,
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
