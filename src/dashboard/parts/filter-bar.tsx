import type { Scope } from '../data/session/scope.ts';
import { AgentFilter } from './agent-filter.tsx';

/** A filter of a list. It changes when its field is left or Enter is pressed. */
export type FilterField<Name extends string> = {
  readonly name: Name;
  readonly label: string;
  readonly value: string;
} & (
  | { readonly type: 'search' | 'date' }
  /** An agent, by any of its names. `empty`: the accounts in the list if the field is empty. */
  | { readonly type: 'agent'; readonly scope: Scope; readonly empty: string }
  /** Words of the API, and the texts for people. */
  | { readonly type: 'select'; readonly words: Readonly<Record<string, string>> }
);

/** The filters of a list, in one row. */
export const FilterBar = <Name extends string>({
  fields,
  onChange,
}: {
  readonly fields: readonly FilterField<Name>[];
  readonly onChange: (name: Name, value: string) => void;
}) => (
  <form class="filters" onSubmit={(event) => event.preventDefault()}>
    {fields.map((field) =>
      field.type === 'agent' ? (
        <AgentFilter
          key={field.name}
          {...field}
          onAccount={(account) => onChange(field.name, account)}
        />
      ) : (
        <label key={field.name}>
          {field.label}
          {field.type === 'select' ? (
            <select
              value={field.value}
              onChange={(event) => onChange(field.name, event.currentTarget.value)}
            >
              <option value="">all</option>
              {Object.entries(field.words).map(([word, text]) => (
                <option key={word} value={word}>
                  {text}
                </option>
              ))}
            </select>
          ) : (
            <input
              type={field.type}
              placeholder={field.type === 'search' ? 'all' : undefined}
              value={field.value}
              spellcheck={false}
              onChange={(event) => onChange(field.name, event.currentTarget.value.trim())}
            />
          )}
        </label>
      ),
    )}
  </form>
);
