import type { Noun, Write } from '../../durable-objects/store/noun.ts';

/** Returns the values of one noun that these writes store. */
export const valuesOf = <Value, Fields extends string>(
  writes: Iterable<Write>,
  noun: Noun<Value, Fields>,
): readonly Value[] =>
  [...writes].flatMap(({ noun: of, value }) =>
    of.name === noun.name && value !== undefined ? [value as Value] : [],
  );
