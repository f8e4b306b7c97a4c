import { Link } from 'wouter-preact';
import type { Entry } from '../../../protocol/entry.ts';
import { type Facts as Logged, factsOf } from '../../../protocol/log/facts.ts';
import { denialRemedy } from '../../data/calls/denial-remedy.ts';
import { networkIn } from '../../format/text.ts';
import { Facts } from '../../parts/facts.tsx';
import { Transaction } from '../../parts/transaction.tsx';
import { DeniedLimit, excessOf } from './denied-limit.tsx';
import { amountOf, idOf, wordsOf } from './entry-values.tsx';
import { SignedTerms } from './signed-terms.tsx';

/** The members of a payment that a person asks about, whatever the type of its entry. */
type Payment = Logged<'payment.settled'>['payment'] &
  Logged<'call.finished'>['payment'] &
  Logged<'payment.bounced'>['payment'] &
  Logged<'call.refunded'>['payment'];

/** The parts of an entry that people look for: the signed values, the limit that denied, the state of the payment. */
export const EntryDetails = ({
  entry: logged,
  asset,
}: {
  readonly entry: Entry;
  readonly asset: string;
}) => {
  const entry = factsOf(logged);
  const denial = entry.type === 'call.denied' ? entry : undefined;
  const { role }: Logged<'call.approved'>['evidence'] = entry.evidence;
  const { transaction, block, backend, to }: Payment = entry.payment;
  const digest = 'digest' in entry.outcome ? entry.outcome.digest : undefined;
  const remedy = denial && denialRemedy(denial);
  return (
    <>
      {denial === undefined ? null : <DeniedLimit entry={denial} asset={asset} />}
      <Facts
        facts={[
          ['Price of the call', amountOf(denial?.amounts.price, asset)],
          ['Above the limit by', denial && excessOf(denial, asset)],
          ['Signed as', wordsOf(role)],
          [
            'Digest of the answer',
            typeof digest === 'string' ? idOf(digest, 'the digest of the answer') : undefined,
          ],
          [
            'Transaction',
            transaction === undefined ? undefined : (
              <Transaction network={networkIn(entry.account)} hash={transaction} />
            ),
          ],
          ['Block', block],
          ['Sent by', wordsOf(backend)],
          ['Credit of', idOf(to, 'the account')],
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
