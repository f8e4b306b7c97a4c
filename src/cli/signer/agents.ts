import type * as z from 'zod/mini';
import type { SIGNER_ANSWERS, SignerExposure } from '../../protocol/signer/management.ts';
import { CliError, usageError } from '../lib/errors.ts';
import type { Output } from '../lib/output.ts';
import { listed, paintStatus, sentence } from '../lib/print.ts';
import { counted, printable } from '../lib/text.ts';
import { dollars } from '../lib/units.ts';
import type { OwnerClient } from './client.ts';

/** An agent as the signer lists it. */
export type ListedAgent = z.output<(typeof SIGNER_ANSWERS)['agents.list']>['items'][number];

/** Reads all agents of the owner, revoked ones too. */
export const agentsOf = async (client: OwnerClient): Promise<readonly ListedAgent[]> => {
  const all: ListedAgent[] = [];
  for (let after: string | undefined; ;) {
    const query = after === undefined ? {} : { after };
    const { items, next } = await client.call('agents.list', { query });
    all.push(...items);
    if (next === undefined) return all;
    if (next === after) throw new Error('the signer repeats a page');
    after = next;
  }
};

/** The agents that arguments name, by label, address or key id. A revoked agent has no label any more. @throws CliError */
export const agentsNamed = (
  all: readonly ListedAgent[],
  names: readonly string[],
): readonly ListedAgent[] => {
  const found = names.map((name) => {
    const lower = name.toLowerCase();
    const matching = all.filter(
      ({ agent, address, label, status }) =>
        agent === name || address === lower || (label === name && status !== 'revoked'),
    );
    const [only] = matching;
    if (matching.length > 1) {
      throw usageError(
        `${matching.length} agents have the label ${printable(name)}.`,
        `Give the key id: ${matching
          .slice(0, 4)
          .map(({ agent }) => agent)
          .join(', ')}.`,
      );
    }
    if (only !== undefined) return only;
    throw new CliError('The signer has no agent of yours with that label, address or key id.', {
      hint: '`countersign signer list` prints them.',
      code: 'unknown_agent',
    });
  });
  return [...new Set(found)];
};

export const nameOf = ({ label, address }: Pick<ListedAgent, 'label' | 'address'>): string =>
  label === undefined ? address : printable(label);

const HIDDEN_AFTER = 200;

export const agentTable = (out: Output, agents: readonly ListedAgent[]): string => {
  const shown = agents.slice(0, HIDDEN_AFTER);
  const table = listed(
    out,
    [
      { title: 'AGENT', cut: 'end' },
      { title: 'ADDRESS', cut: 'middle' },
      { title: 'STATUS' },
      { title: 'SIGNED FOR', cut: 'end' },
      { title: 'MOST A DAY', align: 'right' },
      { title: 'KEY ID', cut: 'middle' },
    ],
    shown.map((agent) => [
      agent.label === undefined ? '' : printable(agent.label),
      agent.address,
      agent.status,
      spentText(agent),
      agent.status === 'active' ? dollars(agent.exposure.day) : '',
      agent.agent,
    ]),
    (text, column, row) =>
      column === 2
        ? paintStatus(out, shown[row]?.status ?? 'active').replace(/\w+/, () => text)
        : text,
  );
  const rest = agents.length - shown.length;
  return rest === 0 ? table : `${table}\n${out.style.dim(`and ${rest} more; --json prints all`)}`;
};

const spentText = ({ spent }: ListedAgent): string =>
  [
    ...spent.windows.map(
      ({ every, limit, spent: used }) => `${dollars(used)} of ${dollars(limit)} (${every})`,
    ),
    ...(spent.windows.length === 0 ? [dollars(spent.lifetime)] : []),
  ].join(', ');

/** The amount that the holder of a stolen key could sign before the owner revokes it. */
export const exposureText = (
  out: Output,
  { hour, day, month, lifetime }: SignerExposure,
  agents = 1,
): string =>
  sentence(
    out,
    `${agents === 1 ? 'A stolen key' : `${counted(agents, 'stolen key')} together`} could sign for at most ${dollars(hour)} in an hour, ${dollars(day)} in a day, ${dollars(month)} in 30 days${lifetime === undefined ? '' : ` and ${dollars(lifetime)} in all`}, until you revoke ${agents === 1 ? 'it' : 'them'} with \`countersign signer revoke\`.`,
  );
