import { countsCalls } from '../../protocol/account/denial.ts';
import type { Entry, Json } from '../../protocol/entry.ts';
import { shown } from '../format/text.ts';
import { momentOf } from '../format/time.ts';
import { Amount } from '../parts/amount.tsx';
import { BudgetBar } from '../parts/budget-bar.tsx';
import { Id } from '../parts/copy.tsx';
import { Facts } from '../parts/facts.tsx';
import { networkOf, Transaction } from '../parts/transaction.tsx';

type Members = { readonly [key: string]: Json };

const membersOf = (value: Json | undefined): Members | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Members)
    : undefined;

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

const ATOMIC = /^-?[0-9]{1,78}$/;

const amountOf = (value: Json | undefined, asset: string) => {
  const atomic = textOf(value);
  return atomic === undefined || !ATOMIC.test(atomic) ? undefined : (
    <Amount atomic={atomic} asset={asset} />
  );
};

const idOf = (value: Json | undefined, label: string) => {
  const text = textOf(value);
  return text === undefined ? undefined : <Id text={text} label={label} />;
};

const timeOf = (value: Json | undefined): string | undefined => {
  const seconds = Number(value);
  return Number.isSafeInteger(seconds) && seconds > 0 ? momentOf(seconds) : undefined;
};

const wordsOf = (value: Json | undefined): string | undefined => {
  const text = textOf(value);
  return text === undefined ? undefined : shown(text);
};

/** What the agent signed. */
const Signed = ({ entry, asset }: { readonly entry: Entry; readonly asset: string }) => {
  const { evidence = {} } = entry;
  const intent = membersOf(evidence['intent']);
  const payment = membersOf(evidence['authorization']);
  if (intent === undefined && payment === undefined) return null;
  return (
    <Facts
      facts={[
        ...(intent === undefined
          ? []
          : ([
              ['Signed for the tool', wordsOf(intent['tool'])],
              [
                'Exact request',
                `${wordsOf(intent['method']) ?? ''} ${wordsOf(intent['target']) ?? ''}`,
              ],
              ['Digest of the request body', idOf(intent['payloadDigest'], 'the digest')],
              ['May cost at most', amountOf(intent['maxAmount'], asset)],
              ['Recipient', idOf(intent['payTo'], 'the recipient')],
              ['Signature valid until', timeOf(intent['validBefore'])],
            ] as const)),
        ...(payment === undefined
          ? []
          : ([
              ['Payment signed', amountOf(payment['value'], asset)],
              ['Recipient of the payment', idOf(payment['to'], 'the recipient')],
              ['Payment valid until', timeOf(payment['validBefore'])],
            ] as const)),
      ]}
    />
  );
};

/** How much more a denied call costs than its limit had left. */
const excessOf = ({ type, amounts = {}, outcome }: Entry, asset: string) => {
  const limit = membersOf(outcome?.['limit']);
  const rule = textOf(limit?.['rule']) ?? '';
  const [price, left] = [textOf(amounts['price']), textOf(limit?.['remaining'])];
  if (type !== 'call.denied' || price === undefined || left === undefined) return undefined;
  if (countsCalls(rule) || !ATOMIC.test(price) || !ATOMIC.test(left)) return undefined;
  const excess = BigInt(price) - BigInt(left);
  return excess > 0n ? <Amount atomic={excess} asset={asset} /> : undefined;
};

/** The limit that denied a call, as it was at that moment, and how much the call was above it. */
const Denied = ({ entry, asset }: { readonly entry: Entry; readonly asset: string }) => {
  const limit = membersOf(entry.outcome?.['limit']);
  const [whole, spent, held] = ['limit', 'spent', 'held'].map((name) => textOf(limit?.[name]));
  if (limit === undefined || whole === undefined || !ATOMIC.test(whole)) return null;
  const left = textOf(limit['remaining']) ?? '0';
  const rule = (textOf(limit['rule']) ?? entry.rule ?? '').replace(/^[a-z]+:/, '');
  // Nothing is ever spent of a limit for one call: a bar would be empty.
  if (rule === 'per_call') return null;
  const resets = limit['resetsAt'];
  return (
    <BudgetBar
      name={`The rule ${shown(rule)}`}
      asset={asset}
      limit={{
        ...{ rule, limit: whole, spent: spent ?? '0', held: held ?? '0', remaining: left },
        ...(typeof resets === 'number' ? { resets_at: resets } : {}),
      }}
    />
  );
};

/** The parts of an entry that a person asks about: what was signed, which limit denied, where the payment is. */
export const EntryDetails = ({
  entry,
  asset,
}: {
  readonly entry: Entry;
  readonly asset: string;
}) => {
  const { account, payment = {}, outcome = {}, amounts = {} } = entry;
  return (
    <>
      {entry.type === 'call.denied' ? <Denied entry={entry} asset={asset} /> : null}
      <Facts
        facts={[
          [
            'Price of the call',
            entry.type === 'call.denied' ? amountOf(amounts['price'], asset) : undefined,
          ],
          ['Above the limit by', excessOf(entry, asset)],
          ['Signed as', wordsOf(entry.evidence?.['role'])],
          ['Digest of the answer', idOf(outcome['digest'], 'the digest of the answer')],
          [
            'Transaction',
            payment['transaction'] === undefined ? undefined : (
              <Transaction network={networkOf(account)} hash={textOf(payment['transaction'])} />
            ),
          ],
          ['Block', typeof payment['block'] === 'number' ? payment['block'] : undefined],
          ['Sent by', wordsOf(payment['backend'])],
          ['Credit of', idOf(payment['to'], 'the account')],
        ]}
      />
      <Signed entry={entry} asset={asset} />
    </>
  );
};
