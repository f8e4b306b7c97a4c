import { canonicalJson } from '../../core/canonical-json.ts';
import type { Hex } from '../../core/hex.ts';
import { sha256Hex, utf8 } from '../../crypto/bytes.ts';
import { type Meter, type Rates, rateListsOf } from './meter.ts';

/** SHA-256 over JCS of a rate list. The entry of a metered call names the list that applied; `evidence.terms` has it in full. */
export const ratesHash = (rates: Rates): Hex => sha256Hex(utf8(canonicalJson(rates)));

/** The rate lists of a meter by the hash that entries name, for verifiers. */
export const ratesByHash = (meter: Meter): ReadonlyMap<string, Rates> =>
  new Map(rateListsOf(meter).map((rates) => [ratesHash(rates), rates]));
