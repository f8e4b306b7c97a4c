import type { AccountId } from '../../protocol/account-id.ts';
import type { LogAccount } from '../data/log-accounts.ts';
import { addressIn, shortened, shown } from '../format/text.ts';
import { Field } from '../parts/field.tsx';

/** `all`: every account that the person may read. */
export type Choice = AccountId | 'all';

/** Chooses the log of one account, or those of all. */
export const LogChoice = ({
  label,
  allName,
  accounts,
  choice,
  onChoose,
}: {
  readonly label: string;
  readonly allName: string;
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
        <option value="all">{allName}</option>
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
