import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CommandStore,
  createCommandStore,
} from '../../../../../src/dashboard/data/commands/command-store.ts';
import {
  readCommand,
  type SignedCommand,
} from '../../../../../src/dashboard/data/commands/signed-command.ts';
import { createShelf, GATEWAY, NOW, storedCommand, walletOf } from './commands.ts';

/** Longer than the clocks of a device and a gateway may differ. */
const OVER = 180 + 30 + 120;

const signedBy = async (wallet: string, nonce: number, gateway = GATEWAY) => {
  const stored = await storedCommand({ wallet, nonce, gateway });
  const command = await readCommand(stored, walletOf(wallet), gateway);
  if (command === undefined) throw new Error('not a command');
  return command;
};

const idsIn = async (store: CommandStore, now = NOW): Promise<readonly string[]> =>
  (await store.open(now)).map(({ id }) => id).toSorted();

describe('the stored commands', () => {
  it('are, for each wallet and gateway, those that were kept, not forgotten, and can take effect', async () => {
    const owner = fc.record({
      wallet: fc.constantFrom('aa', 'bb'),
      gateway: fc.constantFrom(GATEWAY, 'https://gw.example.org'),
    });
    const step = fc.record({
      owner,
      act: fc.constantFrom('keep', 'forget', 'open', 'wait', 'damage'),
      nonce: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
        const shelf = new Map<string, unknown>();
        const model = new Map<string, { readonly of: string; readonly id: string }>();
        let now = NOW;
        for (const { owner: of, act, nonce } of steps) {
          const { wallet, gateway } = of;
          const store = createCommandStore(createShelf(shelf), walletOf(wallet), gateway);
          const command = await signedBy(wallet, nonce, gateway);
          const name = `${gateway} ${wallet}`;
          const key = `${name} ${command.id}`;
          if (act === 'keep') {
            expect(await store.keep(command)).toBe(model.has(key));
            model.set(key, { of: name, id: command.id });
          } else if (act === 'forget') {
            await store.forget(command);
            model.delete(key);
          } else if (act === 'damage') {
            const stored = [...shelf].find(([at]) => at.endsWith(command.id));
            if (stored === undefined) continue;
            shelf.set(stored[0], { ...(stored[1] as object), body: '{"amount":"500"}' });
            // What the proof is not for is deleted when its wallet looks.
            for (const [at, kept] of model) if (kept.id === command.id) model.delete(at);
            await createCommandStore(createShelf(shelf), walletOf(wallet), gateway).open(now);
          } else if (act === 'wait' && nonce === 0) {
            now = NOW + OVER;
          }
          const expected =
            now === NOW ? [...model.values()].filter((each) => each.of === name) : [];
          expect(await idsIn(store, now)).toEqual(expected.map(({ id }) => id).toSorted());
          if (now !== NOW) {
            for (const [at, kept] of model) if (kept.of === name) model.delete(at);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('are neither seen nor deleted by another wallet or gateway', async () => {
    const shelf = createShelf();
    const command = await signedBy('aa', 1);
    const own = createCommandStore(shelf, walletOf('aa'), GATEWAY);
    await own.keep(command);
    for (const other of [
      createCommandStore(shelf, walletOf('bb'), GATEWAY),
      createCommandStore(shelf, walletOf('aa'), 'https://other.example'),
    ]) {
      expect(await other.open(NOW)).toEqual([]);
      await other.forget(command);
    }
    expect(await idsIn(own)).toEqual([command.id]);
  });

  it('that were moved to the key of another wallet are deleted', async () => {
    const shelf = new Map<string, unknown>();
    const victim = `${GATEWAY} ${walletOf('bb')} `;
    const { id } = await signedBy('aa', 1);
    shelf.set(victim + id, await storedCommand());
    expect(await createCommandStore(createShelf(shelf), walletOf('bb'), GATEWAY).open(NOW)).toEqual(
      [],
    );
    expect(shelf.size).toBe(0);
  });

  it('outlive their expiry by the difference that clocks may have', async () => {
    const store = createCommandStore(createShelf(), walletOf('aa'), GATEWAY);
    const command: SignedCommand = await signedBy('aa', 1);
    await store.keep(command);
    expect(await idsIn(store, NOW + OVER - 1)).toEqual([command.id]);
    expect(await idsIn(store, NOW + OVER)).toEqual([]);
  });
});
