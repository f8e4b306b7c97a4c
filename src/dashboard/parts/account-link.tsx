import { Link } from 'wouter-preact';
import { addressIn, labelShown, shortened } from '../format/text.ts';

type AccountNames = {
  readonly account: string;
  /** Its label, from the list or answer that names the account. */
  readonly label?: string | undefined;
};

/** An account by its label, else by its address. The whole id is the title: two accounts may have the same label. */
export const AccountLink = ({
  account,
  label,
  href = `/agents/${account}`,
}: AccountNames & { readonly href?: string | undefined }) => (
  <Link href={href} title={account}>
    {labelShown(label) ?? <code>{shortened(addressIn(account))}</code>}
  </Link>
);
