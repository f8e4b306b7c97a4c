import { Link } from 'wouter-preact';
import { toolName } from '../format/text.ts';
import { AccountLink } from './account-link.tsx';
import type { Column } from './table.tsx';

/** A call by its tool, with a link to its story. */
export const CallLink = ({
  account,
  call,
  tool = 'unknown',
}: {
  readonly account: string;
  readonly call: string;
  readonly tool?: string | undefined;
}) => <Link href={`/calls/${account}/${call}`}>{toolName(tool)}</Link>;

/** The call of a row. */
export const CALL: Column<{
  readonly account: string;
  readonly call: string;
  readonly tool?: string | undefined;
}> = {
  head: 'Call',
  cell: ({ account, call, tool }) => <CallLink account={account} call={call} tool={tool} />,
};

/** The agent of a row. */
export const AGENT: Column<{
  readonly account: string;
  readonly label?: string | undefined;
}> = {
  head: 'Agent',
  cell: ({ account, label }) => <AccountLink account={account} label={label} />,
};
