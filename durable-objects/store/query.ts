import type { Field, Key, Noun } from './noun.ts';

export type Condition<Fields extends string> = readonly [
  field: Fields | 'key',
  is: '=' | '<' | '<=' | '>' | '>=',
  value: string | number,
];

/** Selects the values of a noun that meet every condition, ordered by key, or with the highest fields first. */
export type Query<Fields extends string> = {
  readonly where?: readonly Condition<Fields>[];
  readonly highest?: readonly Fields[];
  readonly limit?: number;
};

/** Reads values, including the writes of a decision's predecessors in the group. */
export type Reader = {
  get<Value, Fields extends string>(noun: Noun<Value, Fields>, key: Key): Value | undefined;
  find<Value, Fields extends string>(
    noun: Noun<Value, Fields>,
    query?: Query<Fields>,
  ): Iterable<Value>;
  count<Value, Fields extends string>(noun: Noun<Value, Fields>, query?: Query<Fields>): number;
};

/** Whether a value meets the conditions. */
export const meets = <Value, Fields extends string>(
  noun: Noun<Value, Fields>,
  value: Value,
  where: readonly Condition<Fields>[],
): boolean => where.every(([field, is, than]) => holds(fieldOf(noun, value, field), is, than));

/** Whether a field or a key meets one condition. */
export const holds = (own: Field, is: Condition<never>[1], than: string | number): boolean => {
  if (own === null) return false;
  const order = compareFields(own, than);
  switch (is) {
    case '=':
      return order === 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
};

/** The order of a query's results. */
export const compare =
  <Value, Fields extends string>(noun: Noun<Value, Fields>, highest: readonly Fields[] = []) =>
  (one: Value, other: Value): number => {
    for (const field of highest) {
      const order = compareFields(fieldOf(noun, other, field), fieldOf(noun, one, field));
      if (order !== 0) return order;
    }
    return compareFields(noun.key(one), noun.key(other));
  };

/** The fields of values that queries have compared: a parent of ten thousand leases compares all of them in each recall. */
const computed = new WeakMap<object, Map<string, Field>>();

const fieldOf = <Value, Fields extends string>(
  noun: Noun<Value, Fields>,
  value: Value,
  field: Fields | 'key',
): Field => {
  if (field === 'key') return noun.key(value);
  const known = computed.get(value as object) ?? new Map<string, Field>();
  const own = known.get(field);
  if (own !== undefined) return own;
  const fresh = noun.fields?.[field as Fields]?.(value) ?? null;
  computed.set(value as object, known.set(field, fresh));
  return fresh;
};

/** Null sorts first, then numbers, then text by its code units. */
export const compareFields = (one: Field, other: Field): number => {
  if (one === other) return 0;
  const [rank, otherRank] = [rankOf(one), rankOf(other)];
  if (rank !== otherRank || one === null || other === null) return rank - otherRank;
  return one < other ? -1 : 1;
};

const rankOf = (field: Field): number => (field === null ? 0 : typeof field === 'number' ? 1 : 2);
