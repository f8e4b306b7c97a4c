import { useState } from 'preact/hooks';
import type { CallApproval, CallName, CallStory } from '../../data/calls/call-story.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import type { Role } from '../../data/session/scope.ts';
import { networkIn, shown, worded } from '../../format/text.ts';
import { agoOf, momentOf } from '../../format/time.ts';
import { Amount } from '../../parts/amount.tsx';
import { Badge } from '../../parts/badge.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Notice } from '../../parts/notice.tsx';
import { Transaction } from '../../parts/transaction.tsx';
import { AttemptTable } from './attempt-table.tsx';
import { type MadeCall, Refund, refundable } from './refund.tsx';
import { SettlementActs } from './settlement-acts.tsx';

const UNPAID: Readonly<Record<string, string>> = {
  credit: 'Paid from the credit of the account, so no money moves on the chain.',
  lent: 'Paid from the credit of an ancestor, so no money moves on the chain.',
  card: 'Paid by a card of the operator, so no money moves on the chain.',
  none: 'This call was free.',
};

/** Why a call has no payment. Credit of a failed or refused call was only held. */
const unpaid = ({ state, charged, paid_by: by }: MadeCall): string =>
  (state === 'released' || state === 'abandoned') && (charged ?? '0') === '0'
    ? 'The call ended without a charge: nothing was paid.'
    : (UNPAID[by ?? 'none'] ?? 'This call has no payment.');

const DENIED = 'This attempt was denied: no money moved for it, and none is held.';

/** Why a call that waits or waited for a person has moved no money. */
const ofWait = ({ state }: CallApproval): string =>
  state === 'refused' || state === 'expired'
    ? 'The call did not run: no money moved for it, and none is held.'
    : 'No money has moved yet. The limits of the agent hold the price until the call has run, is refused or expires.';

/** Where the money of a call is now, and the actions of an operator on it. */
export const CallMoney = ({
  story: { call, approval, settlement, attempts, deadLetters },
  name,
  role,
  onDone,
}: {
  readonly story: CallStory;
  readonly name: CallName;
  readonly role: Role;
  readonly onDone: () => void;
}) => {
  const [isRefunding, setRefunding] = useState(false);
  // The refunds in the lists before the last refund, which the lists show some seconds later.
  const [before, setBefore] = useState<string>();
  if (call === undefined) return <p>{approval === undefined ? DENIED : ofWait(approval)}</p>;
  const now = gatewayNow();
  const refunded = call.refunded ?? '0';
  const isUnlisted = before === refunded;
  const mayRefund = role === 'operator' && refundable(call) > 0n && !isUnlisted;
  return (
    <>
      {settlement === undefined ? (
        <p class="muted">{unpaid(call)}</p>
      ) : (
        <Facts
          facts={[
            ['Payment', <Badge state={settlement.state} />],
            ['Amount', <Amount atomic={settlement.amount} asset={settlement.asset ?? ''} />],
            [
              'Became credit',
              BigInt(settlement.credited ?? '0') === 0n ? undefined : (
                <Amount atomic={settlement.credited ?? '0'} asset={settlement.asset ?? ''} />
              ),
            ],
            [
              'Transaction',
              <Transaction network={networkIn(name.account)} hash={settlement.transaction} />,
            ],
            ['Block', settlement.block],
            ['Open for', settlement.state === 'open' ? agoOf(settlement.at, now) : undefined],
            ['Reason', settlement.reason === undefined ? undefined : worded(settlement.reason)],
            ['At fault', settlement.fault === undefined ? undefined : worded(settlement.fault)],
            [settlement.state === 'open' ? 'Accepted' : 'Ended', momentOf(settlement.at)],
          ]}
        />
      )}
      {attempts.length === 0 ? null : <AttemptTable attempts={attempts} />}
      {deadLetters.map(({ id, reason, at }) => (
        <Notice key={id} tone="warn">
          A message about this payment could not be processed at {momentOf(at)}: {shown(reason)}. If
          the payment is open, the account presents it again by itself.
        </Notice>
      ))}
      {role === 'operator' && settlement !== undefined ? (
        <SettlementActs name={name} state={settlement.state} onDone={onDone} />
      ) : null}
      <div role="status">
        {isUnlisted ? <p>The refund is made. This page shows it within 20 seconds.</p> : null}
      </div>
      {mayRefund ? (
        <div class="acts">
          <button type="button" onClick={() => setRefunding(true)}>
            Refund
          </button>
        </div>
      ) : null}
      {isRefunding ? (
        <Refund
          call={call}
          onDone={() => {
            setBefore(refunded);
            onDone();
          }}
          onSettled={onDone}
          onClose={() => setRefunding(false)}
        />
      ) : null}
    </>
  );
};
