import type { Json } from '../../../protocol/entry.ts';
import { shown } from '../../format/text.ts';
import { momentOf } from '../../format/time.ts';
import { Amount } from '../../parts/amount.tsx';
import { Id } from '../../parts/id.tsx';

type Members = { readonly [key: string]: Json };

/** The members of a value of the log, if it is an object. */
export const membersOf = (value: Json | undefined): Members | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Members)
    : undefined;

/** A value of the log, if it is a text. */
export const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** Atomic units as the log writes them. */
export const ATOMIC = /^-?[0-9]{1,78}$/;

/** An amount of the log; undefined for any other value. */
export const amountOf = (value: Json | undefined, asset: string) => {
  const atomic = textOf(value);
  return atomic === undefined || !ATOMIC.test(atomic) ? undefined : (
    <Amount atomic={atomic} asset={asset} />
  );
};

/** An id or hash of the log. */
export const idOf = (value: Json | undefined, label: string) => {
  const text = textOf(value);
  return text === undefined ? undefined : <Id text={text} label={label} />;
};

/** A time of the log in Unix seconds, in the zone of the viewer. */
export const timeOf = (value: Json | undefined): string | undefined => {
  const seconds = Number(value);
  return Number.isSafeInteger(seconds) && seconds > 0 ? momentOf(seconds) : undefined;
};

/** A text of the log that others chose. */
export const wordsOf = (value: Json | undefined): string | undefined => {
  const text = textOf(value);
  return text === undefined ? undefined : shown(text);
};
