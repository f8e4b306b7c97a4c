import type { Hex } from '../../src/core/hex.ts';
import type { Row } from './codec.ts';
import { DUE, type DueCalls } from './log/pruning.ts';
import type { CallRecord } from './call/record.ts';
import { IDENTIFIERS_TABLE } from './tables.ts';

type Run = (query: string, ...bindings: SqlStorageValue[]) => Row[];

/**
 * Which call a payment-identifier was first used for. A table of its own, made by the first identifier: an index on `calls` would
 * be written again with every change of a call, and a call without identifier must cost no row more.
 */
export type IdentifierStorage = {
  callNamed(identifier: Hex): Hex | undefined;
  writeIdentifier(record: CallRecord): void;
  /** Before the rows of these calls are deleted. */
  forgetDue(...due: DueCalls): void;
};

export const openIdentifierStorage = (
  run: Run,
  hasTable: (name: string) => boolean,
): IdentifierStorage => {
  let made = false;
  const has = (): boolean => (made ||= hasTable('identifiers'));

  return {
    callNamed(identifier) {
      const row = has()
        ? run('SELECT call FROM identifiers WHERE digest = ?', identifier)[0]
        : undefined;
      return row?.call as Hex | undefined;
    },
    writeIdentifier({ id, identifier }) {
      if (identifier === undefined) return;
      if (!has()) run(IDENTIFIERS_TABLE);
      // The first call keeps it; later writes of that call find it there, and cost nothing.
      run('INSERT OR IGNORE INTO identifiers VALUES (?, ?)', identifier, id);
    },
    forgetDue(...due) {
      if (!has()) return;
      // One by one: a DELETE with a subquery would be billed for the rows of its temporary table.
      for (const { identifier } of run(
        `SELECT identifier FROM calls WHERE identifier IS NOT NULL AND ${DUE}`,
        ...due,
      )) {
        run('DELETE FROM identifiers WHERE digest = ?', identifier ?? null);
      }
    },
  };
};
