import { useQuery } from '../data/query.ts';
import type { PageProps } from '../data/scope.ts';
import { explorerLink } from '../../protocol/explorer.ts';
import { shown, worded } from '../format/text.ts';
import { momentOf } from '../format/time.ts';
import { AccountLink } from '../parts/account-link.tsx';
import { Amount } from '../parts/amount.tsx';
import { Badge } from '../parts/badge.tsx';
import { Id } from '../parts/copy.tsx';
import { Facts } from '../parts/facts.tsx';
import { Page, Section } from '../parts/page.tsx';
import { Result } from '../parts/result.tsx';

/** One call: who asked for what, how it ended, and where its money is. */
export const Call = ({ params: { account = '', call = '' } }: PageProps) => {
  const query = useQuery(
    `call ${account} ${call}`,
    async (management, signal) =>
      (await management.call('account.call', { params: { account, call }, signal })).body,
    5,
  );
  return (
    <Page title="Call">
      <Result query={query} rows={8}>
        {({ call: made, settlement }) => (
          <>
            <Section title="The call">
              <Facts
                facts={[
                  ['Agent', <AccountLink account={made.account} />],
                  ['Tool', shown(made.tool ?? 'unknown')],
                  ['State', <Badge state={made.state} />],
                  ['Call id', <Id text={made.call} label="the call id" />],
                  [
                    'Price',
                    made.price === undefined ? undefined : (
                      <Amount atomic={made.price} asset={made.asset ?? ''} />
                    ),
                  ],
                  [
                    'Charged',
                    made.charged === undefined ? undefined : (
                      <Amount atomic={made.charged} asset={made.asset ?? ''} />
                    ),
                  ],
                  [
                    'Refunded',
                    made.refunded === undefined ? undefined : (
                      <Amount atomic={made.refunded} asset={made.asset ?? ''} />
                    ),
                  ],
                  ['Answer of the tool', made.status],
                  ['Why', made.reason === undefined ? undefined : worded(made.reason)],
                  [
                    'Proof',
                    made.binding === 'intent'
                      ? 'signed for exactly this request'
                      : 'a payment alone',
                  ],
                  [
                    'Accepted',
                    made.accepted_at === undefined ? undefined : momentOf(made.accepted_at),
                  ],
                  ['Ended', made.ended_at === undefined ? undefined : momentOf(made.ended_at)],
                  [
                    'Policy',
                    made.policy === undefined ? undefined : (
                      <Id text={made.policy} label="the hash of the policy" />
                    ),
                  ],
                ]}
              />
            </Section>
            <Section title="The money">
              {settlement === undefined ? (
                <p class="muted">
                  {made.paid_by === 'credit'
                    ? 'Paid from credit: no payment moves on the chain.'
                    : 'No payment belongs to this call.'}
                </p>
              ) : (
                <Facts
                  facts={[
                    ['State', <Badge state={settlement.state} />],
                    [
                      'Amount',
                      <Amount atomic={settlement.amount} asset={settlement.asset ?? ''} />,
                    ],
                    [
                      'Transaction',
                      <Transaction account={account} hash={settlement.transaction} />,
                    ],
                    ['Block', settlement.block],
                    ['Attempts', settlement.attempts],
                    [
                      'Last error',
                      settlement.last_error === undefined
                        ? undefined
                        : shown(settlement.last_error),
                    ],
                    [
                      'Why',
                      settlement.reason === undefined ? undefined : worded(settlement.reason),
                    ],
                    ['Known since', momentOf(settlement.at)],
                  ]}
                />
              )}
            </Section>
          </>
        )}
      </Result>
    </Page>
  );
};

const Transaction = ({
  account,
  hash,
}: {
  readonly account: string;
  readonly hash?: string | undefined;
}) => {
  if (hash === undefined) return <>–</>;
  const url = explorerLink(account.slice(0, account.lastIndexOf(':')), hash);
  return (
    <>
      <Id text={hash} label="the transaction hash" />{' '}
      {url === undefined ? null : (
        <a href={url} rel="noopener noreferrer" target="_blank">
          explorer
        </a>
      )}
    </>
  );
};
