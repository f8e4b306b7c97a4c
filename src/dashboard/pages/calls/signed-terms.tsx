import type { Facts as Logged } from '../../../protocol/log/facts.ts';
import { Facts } from '../../parts/facts.tsx';
import { amountOf, idOf, timeOf, wordsOf } from './entry-values.tsx';

/** The terms that the agent signed. */
export const SignedTerms = ({
  entry,
  asset,
}: {
  readonly entry: Logged;
  readonly asset: string;
}) => {
  const { intent, authorization: payment }: Logged<'call.accepted'>['evidence'] = entry.evidence;
  if (intent === undefined && payment === undefined) return null;
  return (
    <Facts
      facts={[
        ...(intent === undefined
          ? []
          : ([
              ['Signed for the tool', wordsOf(intent.tool)],
              ['Exact request', `${wordsOf(intent.method) ?? ''} ${wordsOf(intent.target) ?? ''}`],
              ['Digest of the request body', idOf(intent.payloadDigest, 'the digest')],
              ['May cost at most', amountOf(intent.maxAmount, asset)],
              ['Recipient', idOf(intent.payTo, 'the recipient')],
              ['Signature valid until', timeOf(intent.validBefore)],
            ] as const)),
        ...(payment === undefined
          ? []
          : ([
              ['Payment signed', amountOf(payment.value, asset)],
              ['Recipient of the payment', idOf(payment.to, 'the recipient')],
              ['Payment valid until', timeOf(payment.validBefore)],
            ] as const)),
      ]}
    />
  );
};
