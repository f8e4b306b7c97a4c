import { describe, expect, it, vi } from 'vitest';
import { memoryShelf, type Shelf } from '../../../../../src/client/shelf.ts';
import {
  type Commands,
  commandsOf,
} from '../../../../../src/dashboard/data/commands/command-outbox.ts';
import {
  readCommand,
  type SignedCommand,
  slotOf,
} from '../../../../../src/dashboard/data/commands/signed-command.ts';
import { GATEWAY, NOW, REFUND, storedCommand, walletOf } from './commands.ts';

/** A time after the intent's end, beyond the tolerated difference between the clocks of a device and a gateway. */
const OVER = NOW + 180 + 30 + 120;

const signedBy = async (wallet: string, nonce: number): Promise<SignedCommand> => {
  const command = await readCommand(
    await storedCommand({ wallet, nonce }),
    walletOf(wallet),
    GATEWAY,
  );
  if (command === undefined) throw new Error('not a command');
  return command;
};

const commandsIn = (shelf: Shelf, wallet = 'aa', gateway = GATEWAY, now = NOW): Commands =>
  commandsOf(
    walletOf(wallet),
    gateway,
    { shelf, alone: async (_, act) => await act(true) },
    () => now,
  );

/** Sends a command whose answer is dropped. */
const lose = async (commands: Commands, command: SignedCommand): Promise<void> => {
  await commands
    .send(command, async () => await Promise.reject(new TypeError('lost')))
    .catch(() => undefined);
};

const idsIn = async (commands: Commands): Promise<readonly string[]> =>
  (await commands.open()).map(({ command }) => command.id);

describe('the kept commands', () => {
  it('are kept before they leave, and until an answer decides them', async () => {
    const shelf = memoryShelf();
    const command = await signedBy('aa', 1);
    const slot = slotOf(command);
    const answers = [new Response('bad gateway', { status: 502 }), Response.json({})];
    const open: boolean[] = [];
    for (const answer of answers) {
      await commandsIn(shelf).send(command, async () => {
        open.push(await commandsIn(shelf).isOpen(slot));
        return answer;
      });
      open.push(await commandsIn(shelf).isOpen(slot));
    }
    expect(open).toEqual([true, true, true, false]);
  });

  it('are at most one for each call and kind: a second one that another tab signed does not leave', async () => {
    const shelf = memoryShelf();
    await lose(commandsIn(shelf), await signedBy('aa', 1));
    const send = vi.fn<() => Promise<Response>>(async () => Response.json({}));
    const second = commandsIn(shelf).send(await signedBy('aa', 2), send);
    await expect(second).rejects.toMatchObject({ code: 'signer_failed' });
    expect(send).not.toHaveBeenCalled();
    await commandsIn(shelf).send(await signedBy('aa', 1), send);
    await commandsIn(shelf).send(await signedBy('aa', 2), send);
    expect(send).toHaveBeenCalledTimes(2);
  });

  it('take a rate limit for a refusal of the first attempt, and of no repeat', async () => {
    const shelf = memoryShelf();
    const command = await signedBy('aa', 1);
    const busy = async () => await Promise.resolve(new Response('', { status: 429 }));
    const [, first] = await commandsIn(shelf).send(command, busy);
    await lose(commandsIn(shelf), command);
    const [, again] = await commandsIn(shelf).send(command, busy);
    expect([first.is, again.is]).toEqual(['refused', 'open']);
  });

  it('are neither seen nor deleted by another wallet or gateway', async () => {
    const shelf = memoryShelf();
    const command = await signedBy('aa', 1);
    await lose(commandsIn(shelf), command);
    for (const other of [
      commandsIn(shelf, 'bb'),
      commandsIn(shelf, 'aa', 'https://other.example'),
    ]) {
      expect(await other.open()).toEqual([]);
      const send = vi.fn<() => Promise<Response>>(async () => Response.json({}));
      await expect(other.send(command, send)).rejects.toMatchObject({ code: 'signer_failed' });
      expect(send).not.toHaveBeenCalled();
    }
    expect(await idsIn(commandsIn(shelf))).toEqual([command.id]);
  });

  it('that were moved to the key of another wallet or slot, or changed, are deleted', async () => {
    const keyOf = (wallet: string, slot: string): string =>
      `${GATEWAY} ${walletOf(wallet)} ${slot}`;
    const stored = await storedCommand();
    for (const [key, value, wallet] of [
      [keyOf('bb', `POST ${REFUND}`), stored, 'bb'],
      [keyOf('aa', 'POST /other'), stored, 'aa'],
      [keyOf('aa', `POST ${REFUND}`), { ...stored, body: '{"amount":"500"}' }, 'aa'],
    ] as const) {
      const values = new Map<string, unknown>([[key, value]]);
      expect(await commandsIn(memoryShelf(values), wallet).open()).toEqual([]);
      expect(values.size).toBe(0);
    }
  });

  it('can be dismissed once they have expired, and the margin for different clocks has passed', async () => {
    const shelf = memoryShelf();
    const command = await signedBy('aa', 1);
    await lose(commandsIn(shelf), command);
    const early = commandsIn(shelf, 'aa', GATEWAY, OVER - 1);
    expect(await early.open()).toMatchObject([{ isOver: false }]);
    expect(await early.dismiss(command)).toBe(false);
    const late = commandsIn(shelf, 'aa', GATEWAY, OVER);
    expect(await late.open()).toMatchObject([{ isOver: true }]);
    expect(await late.isOpen(slotOf(command))).toBe(false);
    expect(await late.dismiss(command)).toBe(true);
    expect(await late.open()).toEqual([]);
  });

  it('are listed from the oldest to the newest', async () => {
    const values = new Map<string, unknown>();
    const commands = commandsIn(memoryShelf(values));
    for (const [sentAt, target] of [
      [NOW + 2, '/admin/a'],
      [NOW + 1, '/admin/b'],
    ] as const) {
      values.set(`${GATEWAY} ${walletOf('aa')} POST ${target}`, {
        ...(await storedCommand({ target })),
        sentAt,
      });
    }
    const open = await commands.open();
    expect(open.map(({ command }) => command.target)).toEqual(['/admin/b', '/admin/a']);
  });
});
