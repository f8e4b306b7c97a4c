import type { Seconds } from '../../src/core/clock.ts';
import type { Entry } from '../../src/protocol/entry.ts';

/** The key of a value within its noun. Numbers sort as numbers. */
export type Key = string | number;

/** A field of a value that queries compare; null meets no condition. */
export type Field = string | number | null;

/**
 * The descriptor of a stored noun, and all that the engine knows about it. A new noun is one file that declares its type, this descriptor,
 * and the queries that decisions run on it.
 *
 * `encode` returns text, or text and the parts of its detail. Only a reader of one whole value needs the detail, such as a stored answer: an
 * object that wakes does not decode it. A value that keeps its parts and adds others is cheap to write: the journal gets the new parts only.
 * No part is empty, and none contains a tab or a line break, which `JSON.stringify` never writes.
 */
export type Noun<Value, Fields extends string = never> = {
  readonly name: string;
  readonly key: (value: Value) => Key;
  readonly encode: (value: Value) => string | readonly [text: string, ...parts: readonly string[]];
  /** @param parts of the detail; none if only the text was read. */
  readonly decode: (text: string, parts: readonly string[]) => Value;
  /** The fields that queries may compare besides the key. */
  readonly fields?: Readonly<Record<Fields, (value: Value) => Field>>;
  /** The entries that the value contains. The value is kept until they are exported. */
  readonly entries?: (value: Value) => readonly Entry[];
  /**
   * When an ended value may be forgotten; undefined while work on it is due. Ended values leave memory for packed pages (`pages.ts`), and
   * are never removed by key.
   */
  readonly forgetAt?: (value: Value) => Seconds | undefined;
  /** Values of other nouns that leave memory with this one, and are forgotten with it. */
  readonly companions?: (value: Value) => readonly Write[];
};

/** A noun whose value type does not matter to the engine. */
export type AnyNoun = Noun<unknown, string>;

/** Returns a descriptor for lists of nouns with different values. */
export const anyNoun = <Value, Fields extends string>(noun: Noun<Value, Fields>): AnyNoun =>
  noun as unknown as AnyNoun;

/** One write of a value; without `value` it removes the value. */
export type Write = { readonly noun: AnyNoun; readonly key: Key; readonly value?: unknown };

export const put = <Value, Fields extends string>(
  noun: Noun<Value, Fields>,
  value: NoInfer<Value>,
): Write => ({ noun: anyNoun(noun), key: noun.key(value), value });

export const remove = <Value, Fields extends string>(
  noun: Noun<Value, Fields>,
  key: Key,
): Write => ({ noun: anyNoun(noun), key });
