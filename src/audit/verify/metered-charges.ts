import type { Entry, Json } from '../../protocol/entry.ts';
import { factsIf } from '../../protocol/log/facts.ts';
import {
  type Meter,
  NOT_SOLD,
  type Rates,
  type Usage,
  unitsOf,
} from '../../protocol/meter/meter.ts';
import {
  type ChargeBasis,
  chargeFromEntry,
  isWholeUsage,
} from '../../protocol/meter/metered-charge.ts';
import { ratesByHash } from '../../protocol/meter/rates-hash.ts';
import type { HashedEntry } from './check.ts';
import { amountOf, isSameJson, objectOf, textOf } from './replay/members.ts';
import type { Tally } from './tally.ts';

/** A false statement about the charge of a metered call. `wrong_charge` has no field: arithmetic cannot tell which member is wrong. */
type ChargeFault = {
  readonly reason:
    | 'unmetered'
    | 'missing'
    | 'wrong_basis'
    | 'wrong_rates'
    | 'wrong_usage'
    | 'wrong_charge';
  readonly field?: string;
};

/** What the acceptance of a call decides about its charge. `params`: the parameters that conditions compared. */
type Accepted = {
  readonly terms: string | undefined;
  readonly price: bigint;
  readonly params: Json | undefined;
};

type Lists = ReadonlyMap<string, Rates>;

/**
 * The part of the check `prices` about charges: it computes the charge of each metered call again, from the usage, rates and basis in its
 * `call.finished` (docs/audit-format.md). An operator who changes one of them, or the charge, must change the others to match.
 *
 * @param skipTerms counts a charge as not checked because its terms are not in the files
 */
export const createMeteredCharges = (
  tally: Tally,
  termsOf: (hash: string) => { readonly meter?: Meter } | undefined,
  skipTerms: (hash: string) => void,
): { readonly see: (seen: HashedEntry) => void } => {
  /** The calls of one account that run. */
  const running = new Map<string, Accepted>();
  let account: string | undefined;
  const known = new Map<Meter, Lists>();
  const listsOf = (meter: Meter): Lists => {
    const lists = known.get(meter) ?? ratesByHash(meter);
    known.set(meter, lists);
    return lists;
  };
  const judge = (seen: HashedEntry, accepted: Accepted | undefined): void => {
    const stated = statedMember(seen.entry);
    if (accepted === undefined) {
      if (stated !== undefined) tally.skip('the acceptance of a metered call is not in the files');
      return;
    }
    const terms = accepted.terms === undefined ? {} : termsOf(accepted.terms);
    if (terms === undefined) {
      if (stated !== undefined && accepted.terms !== undefined) skipTerms(accepted.terms);
      return;
    }
    const { meter } = terms;
    if (meter === undefined) {
      if (stated !== undefined) tally.breakAt(seen, 'unmetered', `outcome.${stated}`);
      return;
    }
    const fault = chargeFault(seen.entry, accepted, meter, listsOf(meter));
    if (fault === undefined) tally.prove();
    else tally.breakAt(seen, fault.reason, fault.field);
  };
  return {
    see(seen) {
      const { entry } = seen;
      if (entry.account !== account) running.clear();
      account = entry.account;
      if (entry.call === undefined) return;
      const accepted = factsIf(entry, 'call.accepted');
      if (accepted !== undefined) {
        const { terms, params } = accepted.evidence;
        running.set(entry.call, { terms, params, price: amountOf(accepted.amounts.price) ?? 0n });
      } else if (entry.type === 'call.finished' || entry.type === 'call.abandoned') {
        if (entry.type === 'call.finished') judge(seen, running.get(entry.call));
        running.delete(entry.call);
      }
    },
  };
};

/** The first member about usage in the outcome, in any form. */
const statedMember = ({ outcome }: Entry): string | undefined =>
  ['basis', 'usage', 'rates'].find((name) => outcome?.[name] !== undefined);

const BASIS: ChargeFault = { reason: 'wrong_basis', field: 'outcome.basis' };

const chargeFault = (
  entry: Entry,
  { price, params }: Accepted,
  meter: Meter,
  lists: Lists,
): ChargeFault | undefined => {
  const { basis, usage, rates: hash, success, reason } = entry.outcome ?? {};
  if (statedMember(entry) === undefined) {
    // The check `payments` proves that a tool that failed before its usage was read costs nothing.
    return success === true ? { reason: 'missing', field: 'outcome.basis' } : undefined;
  }
  if (!isBasis(basis) || (success === true) === (basis === 'broken')) return BASIS;
  const rates = lists.get(textOf(hash) ?? '');
  if (rates === undefined || !mayChoose(meter, rates, params)) {
    return { reason: 'wrong_rates', field: 'outcome.rates' };
  }
  if (!isUsage(usage, meter)) return { reason: 'wrong_usage', field: 'outcome.usage' };
  const charge = chargeFromEntry(meter, rates, { basis, usage }, price);
  const isWhole = isWholeUsage(usage, rates, meter.usage);
  if (charge === undefined || !mayDecide(basis, isWhole, reason)) return BASIS;
  // Money that moved before the tool failed stays charged until an operator decides. The check `payments` covers it.
  if (basis === 'broken' && entry.payment?.['kept'] === true) return undefined;
  return amountOf(entry.amounts?.['charged']) === charge ? undefined : { reason: 'wrong_charge' };
};

/** Whether a basis agrees with the usage beside it, and with how the answer ended: `missing` could charge the maximum for any usage. */
const mayDecide = (basis: ChargeBasis, isWhole: boolean, reason: Json | undefined): boolean => {
  if (basis === 'partial' || basis === 'broken') return true;
  return (basis === 'metered') === isWhole && reason !== 'truncated' && reason !== 'timeout';
};

const isBasis = (value: Json | undefined): value is ChargeBasis =>
  value === 'metered' || value === 'partial' || value === 'missing' || value === 'broken';

const isUsage = (value: Json | undefined, { usage }: Meter): value is Usage => {
  const used = objectOf(value);
  if (used === undefined) return false;
  const units = unitsOf(usage);
  return Object.entries(used).every(
    ([unit, count]) => units.includes(unit) && Number.isSafeInteger(count) && Number(count) >= 0,
  );
};

/** Whether the parameter in the entry chooses these rates. An entry without it allows every list of the meter. */
const mayChoose = ({ rates, ratesBy }: Meter, stated: Rates, params: Json | undefined): boolean => {
  const read = objectOf(params);
  if (ratesBy === undefined || read === undefined || !Object.hasOwn(read, ratesBy.param)) {
    return true;
  }
  const value = textOf(objectOf(read[ratesBy.param])?.['value']);
  if (value === undefined) return false;
  const chosen = Object.hasOwn(ratesBy.values, value) ? ratesBy.values[value] : rates;
  return chosen !== NOT_SOLD && isSameJson(chosen, stated);
};
