import type { Standing } from '../../data/accounts/standing.ts';
import { policyLines } from '../../../policy/policy-lines.ts';
import { readPolicy } from '../../../policy/read-policy.ts';
import { counted } from '../../format/amount.ts';
import { PAGE_STYLE } from '../../format/policy-lines.ts';
import { shown, worded } from '../../format/text.ts';
import { AccountLink } from '../../parts/account-link.tsx';
import { Id } from '../../parts/id.tsx';
import { Table } from '../../parts/table.tsx';

type Binding = Standing['policies'][number];

const Rules = ({ policy }: Pick<Binding, 'policy'>) => {
  const read = readPolicy(policy);
  const lines = read === undefined ? [] : policyLines(read, PAGE_STYLE);
  return (
    <details>
      <summary>{lines.length === 0 ? 'no limit' : counted(lines.length, 'rule')}</summary>
      <ul>
        {lines.map(([name, value]) => (
          <li key={name}>
            <span class="muted">{shown(name)}:</span> {shown(value)}
          </li>
        ))}
      </ul>
      <pre>{JSON.stringify(policy, undefined, 1)}</pre>
    </details>
  );
};

/** Every policy and grant that a call of an account must satisfy, with who wrote it. */
export const BindingPolicies = ({ policies }: Pick<Standing, 'policies'>) => (
  <Table<Binding>
    caption="Policies"
    rows={policies}
    keyOf={({ kind, hash }) => `${kind} ${hash}`}
    columns={[
      { head: 'From', cell: ({ kind }) => worded(kind) },
      {
        head: 'For',
        cell: ({ kind, account }) =>
          kind === 'default' ? 'every account' : <AccountLink account={account} />,
      },
      { head: 'Hash', drop: 1, cell: ({ hash }) => <Id text={hash} label="the hash" /> },
      { head: 'Rules', cell: ({ policy }) => <Rules policy={policy} /> },
    ]}
  />
);
