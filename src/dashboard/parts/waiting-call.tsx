import type { Approval } from '../data/calls/approvals.ts';
import { gatewayNow } from '../data/gateway/gateway-clock.ts';
import type { Scope } from '../data/session/scope.ts';
import { decimalOf, symbolOf } from '../format/amount.ts';
import { addressIn, shortened } from '../format/text.ts';
import { agoOf, exactMomentOf } from '../format/time.ts';
import { AccountLink } from './account-link.tsx';
import { CallLink } from './call-columns.tsx';
import { useInView } from './use-in-view.ts';
import { WaitingFacts } from './waiting-facts.tsx';
import './waiting-call.css';

/** The account whose policy requires the approval. Its owner or an operator may have set the policy. */
const budgetOf = ({ asked, account }: Approval, reader: string): string => {
  if (asked === account) return 'its own budget';
  return asked === reader ? 'your budget' : `the budget of ${shortened(addressIn(asked))}`;
};

/**
 * A call that waits: its tool, its agent, the limit that requires approval, the request, what remains of each limit afterwards, and the
 * remaining time.
 */
export const WaitingCall = ({
  approval,
  scope,
}: {
  readonly approval: Approval;
  readonly scope: Scope;
}) => {
  const {
    account,
    label,
    call,
    tool,
    above,
    asset,
    parked_at: since,
    expires_at: until,
  } = approval;
  const now = gatewayNow();
  const { element, isInView } = useInView<HTMLDivElement>();
  return (
    <div class="waiting-call" ref={element}>
      <CallLink account={account} call={call} tool={tool} />
      <span class="below">
        <AccountLink account={account} label={label} />{' '}
        {label === undefined ? null : <code>{shortened(addressIn(account))}</code>} · above{' '}
        {decimalOf(BigInt(above))} {symbolOf(asset)}, by {budgetOf(approval, scope.account)}
      </span>
      <div class="facts-of-request">{isInView ? <WaitingFacts approval={approval} /> : null}</div>
      <span class="below">
        waiting <time title={exactMomentOf(since)}>{agoOf(since, now)}</time>, expires in{' '}
        <time title={exactMomentOf(until)}>{agoOf(now, until)}</time>
      </span>
    </div>
  );
};
