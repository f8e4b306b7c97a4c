import { shown } from '../../format/text.ts';
import { wallets } from '../../session/wallets.ts';
import { Field } from '../field.tsx';

/** Chooses the wallet that pays, if there are several. @param chosen id of a wallet, which may no longer exist */
export const WalletField = ({
  chosen,
  error,
  onChoose,
}: {
  readonly chosen: string | undefined;
  readonly error: string | undefined;
  readonly onChoose: (id: string) => void;
}) => {
  const isThere = wallets.value.some(({ id }) => id === chosen);
  if (isThere && wallets.value.length === 1) return null;
  return (
    <Field
      label="Wallet"
      error={error}
      control={(described) => (
        <select
          {...described}
          value={chosen}
          onChange={(event) => onChoose(event.currentTarget.value)}
        >
          {isThere ? null : <option value={chosen}>Choose one</option>}
          {wallets.value.map(({ id, name }) => (
            <option key={id} value={id}>
              {shown(name)}
            </option>
          ))}
        </select>
      )}
    />
  );
};
