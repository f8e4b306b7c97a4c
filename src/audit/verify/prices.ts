import { type AssetId, assetId, parseAccountId } from '../../protocol/account-id.ts';
import { min } from '../../protocol/amount.ts';
import { type Facts, factsIf } from '../../protocol/log/facts.ts';
import { leastMaximum } from '../../protocol/tool-terms.ts';
import { tokenOf } from '../../protocol/x402/networks.ts';
import { toolTermsSchema } from '../evidence-schema.ts';
import type { Check, Survey } from './check.ts';
import type { Hex } from '../../core/hex.ts';
import { createMeteredCharges } from './metered-charges.ts';
import { amountOf } from './replay/members.ts';
import { createTally } from './tally.ts';
import type * as z from 'zod/mini';

type Terms = z.output<typeof toolTermsSchema>;

/** A false statement about a price. */
type PriceFault = {
  readonly reason: 'wrong_price' | 'wrong_asset' | 'wrong_tool' | 'wrong_binding';
  readonly field: string;
};

type Priced = Facts<'call.accepted' | 'call.parked' | 'call.denied'>;

/** The gateway's own tools have no terms: a top-up costs the amount that its payer signed. */
const OWN_TOOLS = 'countersign.';

/**
 * The check `prices`: each call costs the amount in the terms of its tool, and no more than its caller signed (docs/audit-format.md). The
 * price of a call by payment is the signed value; by intent it is the lower of the tool's price and the signed maximum. A metered call is
 * charged what its usage costs.
 */
export const createPrices = ({
  documents,
  altered,
}: Pick<Survey, 'documents' | 'altered'>): Check => {
  const tally = createTally('prices');
  const known = new Map<string, Terms | undefined>();
  const termsOf = (hash: string): Terms | undefined => {
    if (!known.has(hash)) {
      const read = toolTermsSchema.safeParse(documents.get(hash as Hex));
      known.set(hash, read.success ? read.data : undefined);
    }
    return known.get(hash);
  };
  const skipTerms = (named: string): void => {
    const place = altered?.get(named as Hex);
    tally.skip(
      `the terms ${named} of a tool ${place === undefined ? 'are not in the files' : `were changed: ${place.file} line ${place.line} has others`}`,
    );
  };
  const charges = createMeteredCharges(tally, termsOf, (named) => {
    // Malformed terms are already broken at the acceptance.
    if (!documents.has(named as Hex)) skipTerms(named);
  });
  return {
    id: 'prices',
    see(seen) {
      charges.see(seen);
      const entry = factsIf(seen.entry, 'call.accepted', 'call.parked', 'call.denied');
      if (entry === undefined) return;
      const { terms: named } = entry.evidence;
      const terms = named === undefined ? undefined : termsOf(named);
      if (named !== undefined && terms === undefined && !documents.has(named as Hex)) {
        return skipTerms(named);
      }
      const isUnknown = named === undefined && entry.tool?.startsWith(OWN_TOOLS) !== true;
      if (isUnknown || (named !== undefined && terms === undefined)) {
        return tally.breakAt(seen, 'wrong_terms', 'evidence.terms');
      }
      const fault = terms === undefined ? ownToolFault(entry) : faultOf(entry, terms);
      if (fault === undefined) tally.prove();
      else tally.breakAt(seen, fault.reason, fault.field);
    },
    end: tally.finding,
  };
};

const WRONG_PRICE: PriceFault = { reason: 'wrong_price', field: 'amounts.price' };

const priceOf = ({ amounts }: Priced): bigint => amountOf(amounts.price) ?? -1n;

/** The value of the payment that the payer signed; undefined for an intent alone. */
const signedValue = ({ evidence }: Priced): bigint | undefined =>
  amountOf(evidence.authorization?.value);

const ownToolFault = (entry: Priced): PriceFault | undefined => {
  return priceOf(entry) === (signedValue(entry) ?? 0n) ? undefined : WRONG_PRICE;
};

const faultOf = (entry: Priced, terms: Terms): PriceFault | undefined => {
  if (entry.tool !== terms.tool) return { reason: 'wrong_tool', field: 'tool' };
  if (terms.requireBinding === 'intent' && entry.binding !== 'intent') {
    return { reason: 'wrong_binding', field: 'binding' };
  }
  const asset = terms.asset ?? tokenAsset(entry);
  if (entry.payment.asset !== asset) return { reason: 'wrong_asset', field: 'payment.asset' };
  return isRightPrice(entry, terms) ? undefined : WRONG_PRICE;
};

/** The dollar token of the account's network. */
const tokenAsset = ({ account }: Priced): AssetId | undefined => {
  const on = parseAccountId(account)?.network;
  const token = on && tokenOf(on);
  return token && assetId(on, token.address);
};

const isRightPrice = (entry: Priced, terms: Terms): boolean => {
  const price = priceOf(entry);
  const listed = BigInt(terms.price);
  if (terms.settlement === 'free') return price === 0n && listed === 0n;
  const value = signedValue(entry);
  if (value !== undefined) return price === listed && price === value;
  const most = amountOf(entry.evidence.intent?.maxAmount) ?? 0n;
  return most >= leastMaximum(terms, listed) && price === min(listed, most);
};
