import { CliError } from '../lib/errors.ts';
import { CALL_TABLE, type ColumnType } from './call-columns.ts';

const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  text: 'VARCHAR',
  time: 'TIMESTAMP',
  amount: 'DECIMAL(38, 6)',
  atomic: 'DECIMAL(38, 0)',
  count: 'BIGINT',
};

const INSTALL = 'npm install @duckdb/node-api';

/**
 * Turns a CSV of calls into Parquet, with the types of the columns. DuckDB does it, which is 70 MB: it is installed only where it is used.
 *
 * @throws CliError if DuckDB is not installed
 */
export const writeParquet = async (csv: string, path: string): Promise<void> => {
  const { DuckDBInstance } = await loadDuckDb();
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  try {
    const types = Object.entries(CALL_TABLE)
      .map(([name, type]) => `${quoted(name)}: ${quoted(SQL_TYPES[type])}`)
      .join(', ');
    const read = `read_csv(${quoted(csv)}, header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', new_line = '\\r\\n', columns = {${types}})`;
    await connection.run(`COPY (SELECT * FROM ${read}) TO ${quoted(path)} (FORMAT parquet)`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
};

/** Called before anything is read from the gateway, so that a missing package costs no export. @throws CliError */
export const loadDuckDb = async () => {
  try {
    return await import('@duckdb/node-api');
  } catch (cause) {
    throw new CliError('Parquet needs DuckDB, which is not installed next to countersign.', {
      hint: `Run \`${INSTALL}\` in this project, then export again. Or export with --format csv: DuckDB reads that too.`,
      code: 'duckdb_missing',
      cause,
    });
  }
};

/** A string of SQL (CWE-89): the path comes from the command line. */
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
