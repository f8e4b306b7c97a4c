/** One value that differs between two definitions. `undefined` on a side where it is missing. */
export type Difference = {
  /** E.g. `inputSchema.properties.q.type`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
};

/** A definition has thousands of values at most; a person reads fewer. */
const MAX_DIFFERENCES = 50;

/** Lists what differs between two JSON values, member by member, at most fifty differences. */
export const differencesOf = (
  before: unknown,
  after: unknown,
  path = '',
): readonly Difference[] => {
  if (before === after) return [];
  if (
    !isContainer(before) ||
    !isContainer(after) ||
    Array.isArray(before) !== Array.isArray(after)
  ) {
    return [{ path, before, after }];
  }
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const found: Difference[] = [];
  for (const name of [...names].toSorted()) {
    if (found.length >= MAX_DIFFERENCES) break;
    const below = path === '' ? name : `${path}.${name}`;
    found.push(...differencesOf(member(before, name), member(after, name), below));
  }
  return found.slice(0, MAX_DIFFERENCES);
};

const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null;

const member = (of: object, name: string): unknown =>
  Object.hasOwn(of, name) ? Reflect.get(of, name) : undefined;
