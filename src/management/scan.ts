import { ok, type Result } from '../core/result.ts';
import {
  boundedLimit,
  cursorOf,
  type CursorPlace,
  type ListPage,
  MAX_SCANNED,
  type PageRequest,
  type QueryFault,
  readCursor,
  type Shape,
} from './page.ts';

/**
 * A list in the order of an index, read in two statements: the first finds the index row `MAX_SCANNED` rows ahead, the second filters the
 * rows up to it. A filter that matches nothing costs no more than one that matches all, and its page has `next`.
 */
export type Scan<Row> = {
  /** Names the list and its order in cursors. */
  readonly list: string;
  /** The FROM clause, with the driving index. */
  readonly index: string;
  /** The key columns of that index; together they are unique. */
  readonly key: readonly string[];
  /** Absent: descending, newest first. */
  readonly order?: 'ASC';
  readonly shape: Shape;
  /** Conditions on the index columns before the key. */
  readonly within: readonly SqlCondition[];
  /** Bounds of the first key column: `least` included, `below` excluded. */
  readonly range: { readonly least: string | number; readonly below?: number | undefined };
  readonly columns: string;
  readonly joins: string;
  /** Conditions that the index cannot answer. */
  readonly filters: readonly SqlCondition[];
  readonly placeOf: (row: Row) => CursorPlace;
};

export type SqlCondition = readonly [sql: string, ...values: readonly (string | number)[]];

export const scan = async <Row, T>(
  db: D1Database,
  scanned: Scan<Row>,
  { after, limit: wanted }: PageRequest,
  item: (row: Row) => T,
): Promise<Result<ListPage<T>, QueryFault>> => {
  const { list, index, key, order, shape, within, range, columns, joins, filters } = scanned;
  const { placeOf } = scanned;
  const limit = boundedLimit(wanted);
  const read = readCursor(list, shape, after);
  if (!read.ok) return read;
  const bound = (sql: string, place: CursorPlace): SqlCondition => [
    `(${key.join(', ')}) ${sql} (${key.map(() => '?').join(', ')})`,
    ...place,
  ];
  // One bound per side: with two, SQLite seeks by one of them and scans all rows up to the other.
  const isAscending = order === 'ASC';
  const { least, below } = range;
  const floor: SqlCondition = [`${key[0]} >= ?`, least];
  const ceiling: readonly SqlCondition[] = below === undefined ? [] : [[`${key[0]} < ?`, below]];
  const place = read.value;
  const isPast = place !== undefined && below !== undefined && Number(place[0]) >= below;
  const start = place === undefined || isPast ? undefined : bound(isAscending ? '>' : '<', place);
  const from = isAscending
    ? [...within, start ?? floor]
    : [...within, ...(start ? [start] : ceiling)];
  const sorted = `ORDER BY ${key.map((column) => `${column} ${order ?? 'DESC'}`).join(', ')}`;
  const end = isAscending ? [] : [floor];
  const edge =
    filters.length === 0
      ? undefined
      : await prepared(
          db,
          `SELECT ${key.join(', ')} FROM ${index}`,
          [...from, ...end],
          `${sorted} LIMIT 1 OFFSET ${MAX_SCANNED - 1}`,
        )
          .raw<CursorPlace>()
          .then(([row]) => row);
  const upTo = edge === undefined ? end : [bound(isAscending ? '<=' : '>=', edge)];
  const { results } = await prepared(
    db,
    `SELECT ${columns} FROM ${index} ${joins}`,
    [...from, ...upTo, ...filters],
    `${sorted} LIMIT ${limit + 1}`,
  ).all<Row>();
  const shown = results.slice(0, limit);
  const last = shown.at(-1);
  const next = results.length > limit && last !== undefined ? placeOf(last) : edge;
  return ok({
    items: shown.map(item),
    ...(next === undefined ? {} : { next: cursorOf(list, next) }),
  });
};

/**
 * Reads two lists in turn: a page on which the first one ends begins the second, whose cursors name it. `start`: the place before its first
 * row.
 */
export const scanInTurn = async <Row, T>(
  db: D1Database,
  [first, second]: readonly [Scan<Row>, Scan<Row>],
  start: CursorPlace,
  { after, limit: wanted }: PageRequest,
  item: (row: Row) => T,
): Promise<Result<ListPage<T>, QueryFault>> => {
  const limit = boundedLimit(wanted);
  if (after !== undefined && readCursor(second.list, second.shape, after).ok) {
    return scan(db, second, { after, limit }, item);
  }
  const found = await scan(db, first, { after, limit }, item);
  if (!found.ok || found.value.next !== undefined) return found;
  const { items } = found.value;
  if (items.length >= limit) return ok({ items, next: cursorOf(second.list, start) });
  const rest = await scan(db, second, { limit: limit - items.length }, item);
  return rest.ok ? ok({ ...rest.value, items: [...items, ...rest.value.items] }) : rest;
};

const prepared = (
  db: D1Database,
  select: string,
  conditions: readonly SqlCondition[],
  tail: string,
): D1PreparedStatement =>
  db
    .prepare(`${select} ${conditions.length === 0 ? '' : `WHERE ${sqlOf(conditions)}`} ${tail}`)
    .bind(...valuesOf(conditions));

export const sqlOf = (conditions: readonly SqlCondition[]): string =>
  conditions.map(([sql]) => sql).join(' AND ');

export const valuesOf = (conditions: readonly SqlCondition[]): readonly (string | number)[] =>
  conditions.flatMap(([, ...values]) => values);

/** Drops conditions without a value. */
export const conditions = (
  given: Readonly<Record<string, string | number | undefined>>,
): readonly SqlCondition[] =>
  Object.entries(given).flatMap(([sql, value]) => (value === undefined ? [] : [[sql, value]]));
