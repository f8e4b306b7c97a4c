import type { AccountId } from '../../../protocol/account-id.ts';
import type { LogAccount } from '../../data/audit/log-accounts.ts';
import { addressIn, shortened, shown } from '../../format/text.ts';
import type { Scope } from '../../data/session/scope.ts';
import { Field } from '../../parts/field.tsx';

/** `all`: every account that the person may read. */
export type Choice = AccountId | 'all';

/** Chooses the log of one account, or the logs of all. */
export const LogChoice = ({
  label,
  scope,
  accounts,
  choice,
  onChoose,
}: {
  readonly label: string;
  readonly scope: Scope;
  readonly accounts: readonly LogAccount[];
  readonly choice: Choice;
  readonly onChoose: (choice: Choice) => void;
}) => (
  <Field
    label={label}
    control={(described) => (
      <select
        {...described}
        value={choice}
        onChange={(event) => onChoose(event.currentTarget.value as Choice)}
      >
        <option value="all">
          {scope.role === 'operator' ? 'All accounts' : 'My account and all below it'}
        </option>
        {accounts.map(({ account, label: name }) => (
          <option key={account} value={account}>
            {name === undefined ? '' : `${shown(name)} · `}
            {shortened(addressIn(account))}
          </option>
        ))}
      </select>
    )}
  />
);

const logsOf = (choice: Choice, { role }: Scope): string => {
  if (choice !== 'all') return role === 'operator' ? `${choice} --operator` : choice;
  return role === 'operator' ? '--all --operator' : '--fleet';
};

/** The command that exports the chosen logs into the folder `audit`. */
export const exportCommand = (choice: Choice, scope: Scope): string =>
  `npx countersign audit export ${logsOf(choice, scope)} --gateway ${location.origin} -o audit`;
