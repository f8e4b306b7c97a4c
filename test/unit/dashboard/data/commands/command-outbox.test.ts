import { describe, expect, it } from 'vitest';
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

/** Longer than the clocks of a device and a gateway may differ. */
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

const keep = async (commands: Commands, command: SignedCommand) =>
  await commands.keep(commands.keyOf(slotOf(command)), command);

const idsIn = async (commands: Commands): Promise<readonly string[]> =>
  (await commands.open()).map(({ command }) => command.id);

describe('the kept commands', () => {
  it('are one for each call and kind: a second signature of another tab does not leave', async () => {
    const shelf = memoryShelf();
    const [first, second] = [await signedBy('aa', 1), await signedBy('aa', 2)];
    expect(await keep(commandsIn(shelf), first)).toBe('kept');
    expect(await keep(commandsIn(shelf), first)).toBe('again');
    expect(await keep(commandsIn(shelf), second)).toBe('taken');
    await commandsIn(shelf).decide(commandsIn(shelf).keyOf(`POST ${REFUND}`), first);
    expect(await keep(commandsIn(shelf), second)).toBe('kept');
  });

  it('are neither seen nor deleted by another wallet or gateway', async () => {
    const shelf = memoryShelf();
    const command = await signedBy('aa', 1);
    await keep(commandsIn(shelf), command);
    for (const other of [
      commandsIn(shelf, 'bb'),
      commandsIn(shelf, 'aa', 'https://other.example'),
    ]) {
      expect(await other.open()).toEqual([]);
      await other.decide(other.keyOf(slotOf(command)), command);
    }
    expect(await idsIn(commandsIn(shelf))).toEqual([command.id]);
  });

  it('that were moved to the key of another wallet or slot, or changed, are deleted', async () => {
    const victim = commandsIn(memoryShelf(), 'bb');
    const own = commandsIn(memoryShelf());
    const stored = await storedCommand();
    for (const [key, value, wallet] of [
      [victim.keyOf(`POST ${REFUND}`), stored, 'bb'],
      [own.keyOf('POST /other'), stored, 'aa'],
      [own.keyOf(`POST ${REFUND}`), { ...stored, body: '{"amount":"500"}' }, 'aa'],
    ] as const) {
      const values = new Map<string, unknown>([[key, value]]);
      expect(await commandsIn(memoryShelf(values), wallet).open()).toEqual([]);
      expect(values.size).toBe(0);
    }
  });

  it('can be dismissed once they are over, later than their expiry by what clocks may differ', async () => {
    const shelf = memoryShelf();
    const command = await signedBy('aa', 1);
    await keep(commandsIn(shelf), command);
    const early = commandsIn(shelf, 'aa', GATEWAY, OVER - 1);
    expect(await early.open()).toMatchObject([{ isOver: false }]);
    expect(await early.dismiss(early.keyOf(slotOf(command)))).toBe(false);
    const late = commandsIn(shelf, 'aa', GATEWAY, OVER);
    expect(await late.open()).toMatchObject([{ isOver: true }]);
    expect(await late.dismiss(late.keyOf(slotOf(command)))).toBe(true);
    expect(await late.open()).toEqual([]);
  });

  it('are listed from the oldest to the newest', async () => {
    const values = new Map<string, unknown>();
    const commands = commandsIn(memoryShelf(values));
    for (const [sentAt, target] of [
      [NOW + 2, '/admin/a'],
      [NOW + 1, '/admin/b'],
    ] as const) {
      values.set(commands.keyOf(`POST ${target}`), {
        ...(await storedCommand({ target })),
        sentAt,
      });
    }
    const open = await commands.open();
    expect(open.map(({ command }) => command.target)).toEqual(['/admin/b', '/admin/a']);
  });
});
