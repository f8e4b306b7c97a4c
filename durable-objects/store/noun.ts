/** The key of a value within its noun. Numbers sort as numbers. */
export type Key = string | number;

/** A field of a value that queries compare; null meets no condition. */
export type Field = string | number | null;

/**
 * The descriptor of a stored noun, and all that the engine knows about it. A new noun is one file that declares its type, this descriptor,
 * and the queries that decisions run on it.
 *
 * `encode` returns text, or text and detail. Only a reader of one whole value needs the detail, such as a stored answer: a scan of
 * thousands of values does not read it.
 */
export type Noun<Value, Fields extends string = never> = {
  readonly name: string;
  readonly key: (value: Value) => Key;
  readonly encode: (value: Value) => string | readonly [text: string, detail: string];
  /** @param detail null if only the text was read. */
  readonly decode: (text: string, detail: string | null) => Value;
  /** The fields that queries may compare besides the key. */
  readonly fields?: Readonly<Record<Fields, (value: Value) => Field>>;
  /** Fields with an index. An index costs a row for each write of a value whose field is not null, so most nouns have none. */
  readonly indexed?: readonly Fields[];
};

/** A noun whose value type does not matter to the engine. */
export type AnyNoun = Noun<unknown, string>;

/** One write of a value; without `value` it removes the value. */
export type Write = { readonly noun: AnyNoun; readonly key: Key; readonly value?: unknown };

export const put = <Value, Fields extends string>(
  noun: Noun<Value, Fields>,
  value: NoInfer<Value>,
): Write => ({ noun: noun as unknown as AnyNoun, key: noun.key(value), value });

export const remove = <Value, Fields extends string>(
  noun: Noun<Value, Fields>,
  key: Key,
): Write => ({ noun: noun as unknown as AnyNoun, key });

/** Returns the values of one noun that these writes store. */
export const valuesOf = <Value, Fields extends string>(
  writes: Iterable<Write>,
  noun: Noun<Value, Fields>,
): readonly Value[] => {
  const values: Value[] = [];
  for (const { noun: of, value } of writes) {
    if (of.name === noun.name && value !== undefined) values.push(value as Value);
  }
  return values;
};
