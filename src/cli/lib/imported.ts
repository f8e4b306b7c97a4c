import type * as z from 'zod/mini';
import { type FieldFault, faultsOf } from '../../protocol/fault.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { PolicyDocument } from '../../management/policy.route.ts';

/** Something that is another in a policy than it was, or is in no policy at all. */
export type Note = {
  readonly field: string;
  /** `not_mapped`: nothing stands for it. `approximated`: nearly the same. */
  readonly effect: 'not_mapped' | 'approximated';
  readonly why: string;
};

/** A key, user or team of another system, as a policy. */
export type Imported = {
  readonly id: string;
  /** What people call it. */
  readonly name: string | undefined;
  /** Without a limit in it where nothing could be mapped. */
  readonly policy: PolicyDocument;
  readonly notes: readonly Note[];
};

/** An export: what became of each of its records, or everything that is wrong with it. */
export type Import = Result<readonly Imported[], readonly FieldFault[]>;

/** One export is one file that is read whole. */
export const MAX_RECORDS = 10_000;

type Draft = { -readonly [K in keyof PolicyDocument]: PolicyDocument[K] };

/** A policy on its way, with what is to be said of it. */
export type Sheet = {
  readonly policy: Draft;
  readonly notes: Note[];
  lost(field: string, why: string): void;
  nearly(field: string, why: string): void;
};

export const newSheet = (): Sheet => {
  const notes: Note[] = [];
  const note = (effect: Note['effect']) => (field: string, why: string) => {
    notes.push({ field, effect, why });
  };
  return { policy: {}, notes, lost: note('not_mapped'), nearly: note('approximated') };
};

/** Members that are there, say something, and that nobody here has looked at. */
export const unread = (
  record: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
): readonly string[] =>
  Object.keys(record).filter((name) => !known.has(name) && !isEmpty(record[name]));

const isEmpty = (value: unknown): boolean => {
  if (value === null || value === undefined || value === false || value === '' || value === 0)
    return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
};

/** Reads every record of a list; where one is wrong, all that are wrong are named and nothing is imported. */
export const readRecords = <T>(
  records: readonly unknown[],
  schema: z.ZodMiniType<T>,
  map: (record: T) => Imported,
): Import => {
  if (records.length > MAX_RECORDS)
    return err([{ field: '', reason: `must hold at most ${MAX_RECORDS} records` }]);
  const faults: FieldFault[] = [];
  const items: Imported[] = [];
  for (const [index, record] of records.entries()) {
    const read = schema.safeParse(record);
    if (read.success) items.push(map(read.data));
    else {
      for (const { field, reason } of faultsOf(read.error.issues))
        faults.push({ field: field === '' ? `[${index}]` : `[${index}].${field}`, reason });
    }
  }
  const ids = new Set(items.map(({ id }) => id));
  if (faults.length === 0 && ids.size !== items.length)
    faults.push({ field: '', reason: 'must name each record once' });
  return faults.length > 0 ? err(faults) : ok(items);
};

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
