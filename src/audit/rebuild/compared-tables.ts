/** A projection that a rebuild compares. `own`: SQL condition for the rows of account ?1. `shared`: for rows of several accounts. */
export type ComparedTable = {
  readonly name: string;
  readonly key: readonly string[];
  readonly own?: string;
  readonly shared?: string;
};

export const COMPARED: readonly ComparedTable[] = [
  { name: 'calls', key: ['accepted_at', 'account', 'call'], own: 'account = ?1' },
  { name: 'approvals', key: ['account', 'call'], own: 'account = ?1' },
  { name: 'accounts', key: ['account'], own: 'account = ?1' },
  {
    name: 'spend',
    key: ['scope', 'kind', 'day', 'asset', 'tool', 'payee', 'above', 'rule'],
    own: "scope = ?1 AND kind = 'own'",
    shared: "(scope = '*' OR kind = 'tree')",
  },
  { name: 'charge_changes', key: ['account', 'seq'], own: 'account = ?1' },
  { name: 'kin', key: ['ancestor', 'account'], shared: 'true' },
  { name: 'credit_movements', key: ['day', 'asset', 'line'], shared: 'true' },
];

/** Rows of a table that its other version lacks. Both have the same columns in the same order. */
export const rowsOnlyIn = (table: string, other: string, where: string): string =>
  `SELECT * FROM ${table} WHERE ${where} EXCEPT SELECT * FROM ${other} WHERE ${where}`;

/** The statements that make a table equal to its rebuilt version. Rows that are equal stay as they are. */
export const corrections = (
  { name, key }: ComparedTable,
  where: string,
): readonly [remove: string, insert: string] => {
  const rebuilt = `rebuild_${name}`;
  const columns = key.join(', ');
  return [
    `DELETE FROM ${name} WHERE ${where} AND (${columns}) IN (SELECT ${columns} FROM (${rowsOnlyIn(name, rebuilt, where)}))`,
    `INSERT INTO ${name} ${rowsOnlyIn(rebuilt, name, where)}`,
  ];
};
