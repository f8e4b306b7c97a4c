import { Field } from '../dashboard/parts/field.tsx';
import type { Network } from '../protocol/account-id.ts';
import { networkName } from '../protocol/network-name.ts';

/** Where the money moves. @param id of the control: several forms share a page */
export const NetworkChoice = ({
  id,
  networks,
  on,
  onChoose,
}: {
  readonly id: string;
  readonly networks: readonly Network[];
  readonly on: Network;
  readonly onChoose: (network: Network) => void;
}) => (
  <Field
    id={id}
    label="Network"
    hint="Where the money moves. The wallet needs USDC there."
    control={(described) => (
      <select
        {...described}
        value={on}
        onChange={(event) => onChoose(event.currentTarget.value as Network)}
      >
        {networks.map((each) => (
          <option key={each} value={each}>
            {networkName(each)}
          </option>
        ))}
      </select>
    )}
  />
);
