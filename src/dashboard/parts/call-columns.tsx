import { AccountLink } from './account-link.tsx';
import { CallLink } from './call-link.tsx';
import type { Column } from './table.tsx';

/** The call that a row is about. */
export const CALL: Column<{
  readonly account: string;
  readonly call: string;
  readonly tool?: string | undefined;
}> = {
  head: 'Call',
  cell: ({ account, call, tool }) => <CallLink account={account} call={call} tool={tool} />,
};

/** The agent that a row is about. */
export const AGENT: Column<{
  readonly account: string;
  readonly label?: string | undefined;
}> = {
  head: 'Agent',
  cell: ({ account, label }) => <AccountLink account={account} label={label} />,
};
