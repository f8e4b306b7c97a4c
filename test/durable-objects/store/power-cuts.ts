import type { JournalRow } from '../../../durable-objects/store/journal.ts';
import type { Medium } from '../../../durable-objects/store/medium.ts';
import type { Page } from '../../../durable-objects/store/pages.ts';

export class PowerCut extends Error {}

type Rows = { readonly journal: Map<number, JournalRow>; readonly pages: Map<number, Page> };

const copyOf = ({ journal, pages }: Rows): Rows => ({
  journal: new Map(journal),
  pages: new Map(pages),
});

/** An in-memory medium whose power can fail between any two steps of a transaction, and after it. */
export type FailingMedium = Medium & {
  /** Cuts the power before the step with this number, counted over all transactions from now on. */
  cutAt(step: number): void;
  /** Makes all transactions so far durable. */
  sync(): void;
  /** The state after a power cut and a restart: the synced transactions, or all of them. */
  restart(keepUnsynced: boolean): void;
  rows(): Rows;
};

export const openFailingMedium = (): FailingMedium => {
  let durable: Rows = { journal: new Map(), pages: new Map() };
  let current = copyOf(durable);
  let cut: number | undefined;
  let steps = 0;
  let written = 0;

  return {
    journal() {
      const first = current.journal.get(0);
      if (first === undefined) return [];
      return [...current.journal.values()]
        .filter(({ seq, slot }) => seq - slot === first.seq)
        .toSorted((one, other) => one.slot - other.slot);
    },
    pages: () => [...current.pages.values()].toSorted((one, other) => one.id - other.id),
    pageText(id) {
      const page = current.pages.get(id);
      if (page === undefined) throw new Error(`no page ${id}`);
      return page.text;
    },
    commit({ rows, pages, forgotten, leftoversFrom = Infinity }) {
      // SQLite rolls an interrupted transaction back, so `current` changes at the end or not at all.
      const draft = copyOf(current);
      const step = (): void => {
        if (steps === cut) {
          cut = undefined;
          throw new PowerCut();
        }
        steps += 1;
      };
      for (const page of pages) {
        step();
        if (draft.pages.has(page.id)) throw new Error(`page ${page.id} is overwritten`);
        draft.pages.set(page.id, page);
      }
      for (const id of forgotten) {
        step();
        draft.pages.delete(id);
      }
      for (const row of rows) {
        step();
        draft.journal.set(row.slot, row);
      }
      for (const slot of draft.journal.keys()) {
        if (slot < leftoversFrom) continue;
        step();
        draft.journal.delete(slot);
      }
      step();
      written += rows.length + pages.length + forgotten.length;
      current = draft;
    },
    check: () => undefined,
    rowsWritten: () => written,
    cutAt(step) {
      cut = step;
      steps = 0;
    },
    sync: () => void (durable = copyOf(current)),
    restart(keepUnsynced) {
      cut = undefined;
      current = copyOf(keepUnsynced ? current : durable);
      durable = copyOf(current);
    },
    rows: () => current,
  };
};
