/** Wraps storage and counts the rows that its queries read. */
export const countReads = (
  storage: DurableObjectStorage,
): { readonly storage: DurableObjectStorage; readonly read: () => number } => {
  const cursors: { readonly rowsRead: number }[] = [];
  const exec: SqlStorage['exec'] = (query, ...bindings) => {
    const cursor = storage.sql.exec(query, ...bindings);
    cursors.push(cursor);
    return cursor as ReturnType<SqlStorage['exec']> as never;
  };
  const counted = {
    sql: { exec },
    transactionSync: <T>(work: () => T) => storage.transactionSync(work),
  };
  return {
    storage: counted as unknown as DurableObjectStorage,
    read: () => cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0),
  };
};
