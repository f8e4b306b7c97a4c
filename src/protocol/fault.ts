import type * as z from 'zod/mini';

/** What is wrong with one field of something an operator wrote. Never holds the value: it may be a secret. */
export type Fault = {
  /** A path such as `tools[3].price`; empty for the whole. */
  readonly field: string;
  readonly reason: string;
};

const join = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');

/** Everything a schema found, each with its path. */
export const faultsOf = (issues: readonly z.core.$ZodIssue[]): readonly Fault[] =>
  issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          field: join([...issue.path, key]),
          reason: 'is not a known field',
        }))
      : [{ field: join(issue.path), reason: issue.message }],
  );
