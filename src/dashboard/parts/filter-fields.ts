import type { Scope } from '../data/session/scope.ts';
import type { Period } from '../format/period.ts';
import type { FilterField } from './filter-bar.tsx';

/** The first and the last day of a list. @param when what happens on these days: "Ended" */
export const dayFields = (
  { from = '', to = '' }: { readonly [Edge in keyof Period]?: string | undefined },
  when?: string,
): readonly FilterField<'from' | 'to'>[] => [
  {
    ...{ name: 'from', type: 'date', value: from },
    label: `${when === undefined ? 'From' : `${when} from`} (UTC day)`,
  },
  {
    ...{ name: 'to', type: 'date', value: to },
    label: `${when === undefined ? 'To' : `${when} to`} (UTC day)`,
  },
];

/** An agent, by any of its names. @param empty the accounts in the list if the field is empty */
export const agentField = (
  scope: Scope,
  account: string | undefined,
  empty = 'all',
): FilterField<'account'> => ({
  ...{ name: 'account', label: 'Agent', type: 'agent' },
  ...{ scope, empty, value: account ?? '' },
});

/** A tool, by its id. */
export const toolField = (tool: string | undefined): FilterField<'tool'> => ({
  ...{ name: 'tool', label: 'Tool', type: 'search', value: tool ?? '' },
});
