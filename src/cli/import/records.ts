import type * as z from 'zod/mini';
import { err, ok, type Result } from '../../core/result.ts';
import type { PolicyDocument } from '../../management/policy.route.ts';
import { MAX_STORED } from '../../protocol/amount.ts';
import { type FieldFault, faultsOf } from '../../protocol/fault.ts';

/** A field of the export that the policy lacks, or expresses differently. */
export type Note = {
  readonly field: string;
  /** `not_mapped`: no rule corresponds to it. `approximated`: the closest rule differs. */
  readonly effect: 'not_mapped' | 'approximated';
  readonly why: string;
};

/** A key, user or team of another system as a policy. */
export type Imported = {
  readonly id: string;
  /** The name that people use for it. */
  readonly name: string | undefined;
  /** Empty if no field corresponds to a rule. */
  readonly policy: PolicyDocument;
  readonly notes: readonly Note[];
};

/** All records of an export, or all faults in it. */
export type Import = Result<readonly Imported[], readonly FieldFault[]>;

export const MAX_RECORDS = 10_000;

/** A policy under construction, with its notes. */
export type ImportDraft = {
  readonly policy: { -readonly [K in keyof PolicyDocument]: PolicyDocument[K] };
  readonly notes: Note[];
  notMapped(field: string, why: string): void;
  approximated(field: string, why: string): void;
};

export const createDraft = (): ImportDraft => {
  const notes: Note[] = [];
  const note = (effect: Note['effect']) => (field: string, why: string) => {
    notes.push({ field, effect, why });
  };
  return {
    policy: {},
    notes,
    notMapped: note('not_mapped'),
    approximated: note('approximated'),
  };
};

/** Non-empty fields of a record that the importer does not know. */
export const unknownFields = (
  record: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
): readonly string[] =>
  Object.keys(record).filter((name) => !known.has(name) && !isEmpty(record[name]));

const isEmpty = (value: unknown): boolean => {
  if (value === null || value === undefined || value === false || value === '' || value === 0)
    return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
};

/** Maps every record, or returns the faults of all faulty records: an import is whole or does not happen. */
export const mapRecords = <T>(
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

/** Decimals of a dollar token. */
const DECIMALS = 6;

export type Units = {
  /** Atomic units: millionths of a dollar. */
  readonly amount: bigint;
  /** False if rounding cut off less than a millionth. */
  readonly exact: boolean;
};

/**
 * US dollars to atomic units, rounded down; undefined for a text that is not an amount, and beyond what storage holds. A JSON number was a
 * float in its exporter: exporter and JavaScript print the same shortest text for it, so parsing the text adds no error.
 */
export const unitsOf = (dollars: number | string): Units | undefined => {
  const form = /^([0-9]{1,40})(?:\.([0-9]{0,40}))?(?:[eE]([+-]?[0-9]{1,2}))?$/;
  const [, whole, fraction = '', exponent = '0'] = form.exec(String(dollars).trim()) ?? [];
  if (whole === undefined) return undefined;
  const digits = BigInt(whole + fraction);
  const shift = DECIMALS - fraction.length + Number(exponent);
  const divisor = shift < 0 ? 10n ** BigInt(-shift) : 1n;
  const amount = shift < 0 ? digits / divisor : digits * 10n ** BigInt(shift);
  return amount > MAX_STORED ? undefined : { amount, exact: digits % divisor === 0n };
};
