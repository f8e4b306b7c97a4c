import { shown } from '../../format/text.ts';
import { momentOf } from '../../format/time.ts';
import { Amount } from '../../parts/amount.tsx';
import { Id } from '../../parts/id.tsx';

/** Atomic units as the log writes them. */
export const ATOMIC = /^-?[0-9]{1,78}$/;

/** An amount of the log; undefined for any other value. */
export const amountOf = (atomic: string | undefined, asset: string) =>
  atomic === undefined || !ATOMIC.test(atomic) ? undefined : (
    <Amount atomic={atomic} asset={asset} />
  );

/** An id or hash of the log. */
export const idOf = (text: string | undefined, label: string) =>
  text === undefined ? undefined : <Id text={text} label={label} />;

/** A time of the log in Unix seconds, in the zone of the viewer. */
export const timeOf = (text: string | undefined): string | undefined => {
  const seconds = Number(text);
  return Number.isSafeInteger(seconds) && seconds > 0 ? momentOf(seconds) : undefined;
};

/** A text of the log that others chose. */
export const wordsOf = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : shown(text);
