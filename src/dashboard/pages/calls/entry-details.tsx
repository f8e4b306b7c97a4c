import { Link } from 'wouter-preact';
import type { Entry } from '../../../protocol/entry.ts';
import { denialRemedy } from '../../data/calls/denial-remedy.ts';
import { networkIn } from '../../format/text.ts';
import { Facts } from '../../parts/facts.tsx';
import { Transaction } from '../../parts/transaction.tsx';
import { DeniedLimit, excessOf } from './denied-limit.tsx';
import { amountOf, idOf, textOf, wordsOf } from './entry-values.tsx';
import { SignedTerms } from './signed-terms.tsx';

/** The parts of an entry that people look for: the signed values, the limit that denied, the state of the payment. */
export const EntryDetails = ({
  entry,
  asset,
}: {
  readonly entry: Entry;
  readonly asset: string;
}) => {
  const { account, payment = {}, outcome = {}, amounts = {} } = entry;
  const remedy = entry.type === 'call.denied' ? denialRemedy(entry) : undefined;
  return (
    <>
      {entry.type === 'call.denied' ? <DeniedLimit entry={entry} asset={asset} /> : null}
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
              <Transaction network={networkIn(account)} hash={textOf(payment['transaction'])} />
            ),
          ],
          ['Block', typeof payment['block'] === 'number' ? payment['block'] : undefined],
          ['Sent by', wordsOf(payment['backend'])],
          ['Credit of', idOf(payment['to'], 'the account')],
        ]}
      />
      <SignedTerms entry={entry} asset={asset} />
      {remedy === undefined ? null : (
        <p>
          <Link href={remedy.href}>{remedy.text}</Link>
        </p>
      )}
    </>
  );
};
