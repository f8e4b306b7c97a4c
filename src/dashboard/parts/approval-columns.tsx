import type { Approval } from '../data/calls/approvals.ts';
import type { Scope } from '../data/scope.ts';
import { Amount } from './amount.tsx';
import type { Column } from './table.tsx';
import { WaitingCall } from './waiting-call.tsx';

/** The first columns of every list of approvals: the call, and its price. */
export const approvalColumns = (scope: Scope): readonly Column<Approval>[] => [
  { head: 'Call', cell: (approval) => <WaitingCall approval={approval} scope={scope} /> },
  {
    head: 'Price',
    isNumber: true,
    cell: ({ price, asset }) => <Amount atomic={price} asset={asset} />,
  },
];
