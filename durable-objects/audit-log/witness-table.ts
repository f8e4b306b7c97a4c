/** What a log knows about one of its witnesses. */
export type WitnessState = {
  /** The tree that the witness has cosigned, and its signature line for it. */
  readonly cosigned: number;
  readonly line: string;
  /** Attempts without a cosignature since the last one. */
  readonly failures: number;
  /** Unix seconds: the earliest next request, and since when the witness has not cosigned (0: it has). */
  readonly dueAt: number;
  readonly awaySince: number;
  /** Whether the alert about the witness was raised. */
  readonly isReported: boolean;
};

export const NEW_WITNESS: WitnessState = {
  ...{ cosigned: 0, line: '', failures: 0, dueAt: 0, awaySince: 0, isReported: false },
};

export type WitnessTable = {
  readonly all: () => ReadonlyMap<string, WitnessState>;
  readonly put: (name: string, state: WitnessState) => void;
};

type Row = {
  name: string;
  cosigned: number;
  line: string;
  failures: number;
  due_at: number;
  away_since: number;
  reported: number;
};

/** One row a witness. The first answer creates the table, because most logs have no witness. */
export const openWitnessTable = ({ sql }: DurableObjectStorage): WitnessTable => {
  const isMade = (): boolean =>
    sql.exec(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'witness'`).toArray()
      .length > 0;
  let known: Map<string, WitnessState> | undefined;
  const load = (): Map<string, WitnessState> => {
    const rows = isMade() ? sql.exec<Row>('SELECT * FROM witness').toArray() : [];
    return new Map(
      rows.map(({ name, cosigned, line, failures, ...row }) => [
        name,
        {
          ...{ cosigned, line, failures, dueAt: row.due_at, awaySince: row.away_since },
          isReported: row.reported === 1,
        },
      ]),
    );
  };
  return {
    all: () => (known ??= load()),
    put(name, state) {
      sql.exec(`CREATE TABLE IF NOT EXISTS witness (name TEXT PRIMARY KEY, cosigned INTEGER NOT NULL, line TEXT NOT NULL,
        failures INTEGER NOT NULL, due_at INTEGER NOT NULL, away_since INTEGER NOT NULL, reported INTEGER NOT NULL) STRICT`);
      const { cosigned, line, failures, dueAt, awaySince, isReported } = state;
      sql.exec(
        'INSERT OR REPLACE INTO witness VALUES (?, ?, ?, ?, ?, ?, ?)',
        ...[name, cosigned, line, failures, dueAt, awaySince, isReported ? 1 : 0],
      );
      (known ??= load()).set(name, state);
    },
  };
};
