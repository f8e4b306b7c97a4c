/** What a value is found by. Numbers sort as numbers. */
export type Key = string | number;

/** A fact about a value that queries compare; null compares with nothing. */
export type Field = string | number | null;

/**
 * The descriptor of a stored noun: all that the engine knows of it. A new noun is one file that declares its type, this descriptor, and
 * the questions that decisions ask of it.
 *
 * `encode` returns text, or text and detail. Detail is what only a reader of one whole value needs, such as a stored answer: a scan of
 * thousands of values leaves it on the disk.
 */
export type Noun<Value, Fields extends string = never> = {
  readonly name: string;
  readonly key: (value: Value) => Key;
  readonly encode: (value: Value) => string | readonly [text: string, detail: string];
  /** @param detail null where only the text was read. */
  readonly decode: (text: string, detail: string | null) => Value;
  /** What queries may compare besides the key. */
  readonly fields?: Readonly<Record<Fields, (value: Value) => Field>>;
  /** Fields with an index. An index costs a row for each write of a value whose field is not null, so most nouns have none. */
  readonly indexed?: readonly Fields[];
};

/** A noun of which only the engine's own bookkeeping matters. */
export type AnyNoun = Noun<unknown, string>;

/** One change of a stored value; without a value it is removed. */
export type Write = { readonly noun: AnyNoun; readonly key: Key; readonly value?: unknown };

export const put = <Value, Fields extends string>(
  noun: Noun<Value, Fields>,
  value: NoInfer<Value>,
): Write => ({ noun: noun as unknown as AnyNoun, key: noun.key(value), value });

export const remove = <Value, Fields extends string>(
  noun: Noun<Value, Fields>,
  key: Key,
): Write => ({ noun: noun as unknown as AnyNoun, key });

/** The values of one noun that these writes store. */
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
