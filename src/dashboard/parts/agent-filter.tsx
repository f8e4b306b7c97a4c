import { useId, useLayoutEffect, useState } from 'preact/hooks';
import { agentNamed, nameOfAgent } from '../data/accounts/known-agents.ts';
import type { Scope } from '../data/session/scope.ts';
import { useKnownAgents } from '../data/accounts/use-known-agents.ts';
import { addressIn, shortened } from '../format/text.ts';

/** A filter by agent: takes a name, an address or a CAIP-10 id, and offers the agents that it knows. */
export const AgentFilter = ({
  label,
  empty,
  value,
  scope,
  onAccount,
}: {
  readonly label: string;
  /** The accounts in the list if the field is empty. */
  readonly empty: string;
  /** A CAIP-10 id, or nothing. */
  readonly value: string;
  readonly scope: Scope;
  readonly onAccount: (account: string) => void;
}) => {
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const [fault, setFault] = useState<string | undefined>(undefined);
  const [hasFocus, setFocus] = useState(false);
  const id = useId();
  const known = useKnownAgents(scope, hasFocus || value !== '');
  const forget = (): void => {
    setTyped(undefined);
    setFault(undefined);
  };
  // `useEffect` runs after the frame, and would delete what a person types until then.
  useLayoutEffect(forget, [value]);
  const enter = (text: string): void => {
    if (text.trim() === '') {
      forget();
      onAccount('');
      return;
    }
    const named = agentNamed(text, known, scope.account);
    if ('fault' in named) {
      setFault(named.fault);
      return;
    }
    forget();
    onAccount(named.account);
  };
  return (
    <>
      <label>
        {label}
        <input
          type="search"
          list={`${id}-agents`}
          value={typed ?? (value === '' ? '' : nameOfAgent(value, known, scope.account))}
          placeholder={empty}
          spellcheck={false}
          autocomplete="off"
          aria-invalid={fault === undefined ? undefined : true}
          aria-describedby={fault === undefined ? undefined : `${id}-fault`}
          onFocus={() => setFocus(true)}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onChange={(event) => enter(event.currentTarget.value)}
        />
      </label>
      <datalist id={`${id}-agents`}>
        {[...(known?.labels.keys() ?? [])].map((account) => (
          <option key={account} value={nameOfAgent(account, known, scope.account)}>
            {shortened(addressIn(account))}
          </option>
        ))}
      </datalist>
      {fault === undefined ? null : (
        <p class="error" id={`${id}-fault`} role="alert">
          {label}: {fault}
        </p>
      )}
    </>
  );
};
