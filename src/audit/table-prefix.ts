/** Prefix of the tables that a projection is written to: those that lists read, or their copies in a rebuild (migration 0007). */
export type TablePrefix = '' | 'rebuild_';
