import { Link } from 'wouter-preact';
import { addressIn, shortened, shown } from '../format/text.ts';

/** An account by its label, else by its address. */
export const AccountLink = ({
  account,
  label,
}: {
  readonly account: string;
  readonly label?: string | undefined;
}) => (
  <Link href={`/agents/${account}`} title={account}>
    {label === undefined ? <code>{shortened(addressIn(account))}</code> : shown(label)}
  </Link>
);
