import type { Seconds } from '../../../core/clock.ts';
import type { AccountId } from '../../../protocol/account-id.ts';
import { readCommand, type SignedCommand, type StoredCommand } from './signed-command.ts';

/** The storage of commands. Each function may reject, because a browser may refuse to store anything. */
export type CommandShelf = {
  /** The values stored under keys that begin with `prefix`. */
  readonly under: (prefix: string) => Promise<readonly (readonly [key: string, value: unknown])[]>;
  readonly put: (key: string, value: StoredCommand) => Promise<unknown>;
  readonly remove: (key: string) => Promise<unknown>;
};

/** The clock of this device may be ahead of the gateway's: a command that can still take effect must not be forgotten. */
const CLOCK_MARGIN: Seconds = 120;

/** The commands without an answer, of one wallet at one gateway. */
export type CommandStore = {
  /** Keeps a command before it is sent. @returns whether it was already kept, and therefore sent before */
  readonly keep: (command: SignedCommand) => Promise<boolean>;
  readonly forget: (command: SignedCommand) => Promise<void>;
  /** Oldest first. Deletes expired commands, and values that are not commands. */
  readonly open: (now: Seconds) => Promise<readonly SignedCommand[]>;
};

/**
 * The wallet and the gateway are part of the key, so that no other wallet reads or sends a command; `readCommand` compares both with the proof.
 *
 * A thief of the browser's profile can only send what the wallet has signed, to the gateway that it was signed for, and the gateway carries
 * it out at most once. Signing out keeps the commands: a person would sign a forgotten one a second time.
 */
export const createCommandStore = (
  shelf: CommandShelf,
  account: AccountId,
  gateway: string,
): CommandStore => {
  const prefix = `${gateway} ${account} `;
  const keyOf = ({ id }: SignedCommand): string => prefix + id;
  return {
    keep: async ({ account: _, id, tool: _tool, until: _until, ...stored }) => {
      const key = prefix + id;
      const known = await shelf.under(key);
      if (known.length > 0) return true;
      await shelf.put(key, stored);
      return false;
    },
    forget: async (command) => {
      await shelf.remove(keyOf(command));
    },
    open: async (now) => {
      const commands: SignedCommand[] = [];
      for (const [key, value] of await shelf.under(prefix)) {
        const command = await readCommand(value, account, gateway);
        const isOver = command?.until !== undefined && command.until + CLOCK_MARGIN <= now;
        if (command === undefined || isOver || keyOf(command) !== key) await shelf.remove(key);
        else commands.push(command);
      }
      return commands.toSorted((a, b) => a.sentAt - b.sentAt);
    },
  };
};
