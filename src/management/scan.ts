import { MAX_SCANNED, type Page } from './page.ts';
import { cursorOf, type Place, readCursor, type Shape } from './cursor.ts';
import { ok, type Result } from '../core/result.ts';
import { boundedLimit, type Asked, type QueryFault } from './page.ts';

/**
 * A list in the order of an index. It is read in two steps: the index alone says where `MAX_SCANNED` of its rows end, then the
 * rows between are filtered. So a filter that finds nothing costs no more than one that finds all, and says where to go on.
 */
export type Scan<Row> = {
  /** Name of the list, and of its order. */
  readonly list: string;
  /** FROM clause that names the driving index. */
  readonly index: string;
  /** Key columns of that index, which together are unique. */
  readonly key: readonly string[];
  /** Descending (newest first), unless it says otherwise. */
  readonly order?: 'ASC';
  readonly shape: Shape;
  /** Conditions on columns before the key in the index, and what they are bound to. */
  readonly within: readonly Condition[];
  /** What the first column of the key is at least, and below what it is. */
  readonly range: { readonly least: string | number; readonly below?: number | undefined };
  /** What is selected, and the tables that are joined to the driving one. */
  readonly columns: string;
  readonly joins: string;
  /** Conditions that the index cannot answer. */
  readonly filters: readonly Condition[];
  readonly placeOf: (row: Row) => Place;
};

export type Condition = readonly [sql: string, ...values: readonly (string | number)[]];

export const scan = async <Row, T>(
  db: D1Database,
  { list, index, key, order, shape, within, range, columns, joins, filters, placeOf }: Scan<Row>,
  { after, limit: asked }: Asked,
  item: (row: Row) => T,
): Promise<Result<Page<T>, QueryFault>> => {
  const limit = boundedLimit(asked);
  const read = readCursor(list, shape, after);
  if (!read.ok) return read;
  const bound = (sql: string, place: Place): Condition => [
    `(${key.join(', ')}) ${sql} (${key.map(() => '?').join(', ')})`,
    ...place,
  ];
  // One bound a side: of two, SQLite searches by either, and would walk from there to the other.
  const isAscending = order === 'ASC';
  const { least, below } = range;
  const floor: Condition = [`${key[0]} >= ?`, least];
  const ceiling: readonly Condition[] = below === undefined ? [] : [[`${key[0]} < ?`, below]];
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
          .raw<Place>()
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

const prepared = (
  db: D1Database,
  select: string,
  conditions: readonly Condition[],
  tail: string,
): D1PreparedStatement =>
  db
    .prepare(`${select} ${conditions.length === 0 ? '' : `WHERE ${sqlOf(conditions)}`} ${tail}`)
    .bind(...valuesOf(conditions));

export const sqlOf = (conditions: readonly Condition[]): string =>
  conditions.map(([sql]) => sql).join(' AND ');

export const valuesOf = (conditions: readonly Condition[]): readonly (string | number)[] =>
  conditions.flatMap(([, ...values]) => values);

/** Conditions whose value was given. */
export const conditions = (
  given: Readonly<Record<string, string | number | undefined>>,
): readonly Condition[] =>
  Object.entries(given).flatMap(([sql, value]) => (value === undefined ? [] : [[sql, value]]));
