import { expect, it } from 'vitest';
import { createOutbox } from '../../../src/client/outbox.ts';
import { memoryShelf, type Shelf } from '../../../src/client/shelf.ts';

type Request = { readonly id: string; readonly end: number };

const open = (shelf: Shelf) =>
  createOutbox<Request>(
    { idOf: ({ id }) => id, write: (r) => r, read: (v) => v as Request, endOf: ({ end }) => end },
    { shelf, alone: async (_, act) => await act(true), now: () => 100 },
  );

/** Two tabs of one browser; the second one deletes a little later. Nothing locks commands (`send-command.ts`). */
it('keeps one of two commands for a slot whose earlier command has expired', async () => {
  const values = new Map<string, unknown>([['slot', { id: 'old', end: 1 }]]);
  const shelf = memoryShelf(values);
  const later: Shelf = {
    ...shelf,
    remove: async (key) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return await shelf.remove(key);
    },
  };
  const kept = await Promise.all([
    open(shelf).keep('slot', { id: 'a', end: 200 }),
    open(later).keep('slot', { id: 'b', end: 200 }),
  ]);
  expect(kept.toSorted()).toEqual(['kept', 'taken']);
  expect(values.size).toBe(1);
});
