import type { Hex } from '../../core/hex.ts';
import { checksummed } from '../../crypto/address.ts';
import { CliError, EXIT, usageError } from '../lib/errors.ts';
import { type Input, listOf } from '../lib/input.ts';
import { type Entry, type FleetAgent, type FleetEntry, isKeyName } from '../lib/keystore.ts';
import type { Output } from '../lib/output.ts';
import { listed } from '../lib/print.ts';

const MAX_AGENTS = 10_000;
const MAX_AT_ONCE = 1000;

type NewAgent = { readonly index: number; readonly name: string };

/** The new agents that `--agents` and `--names` describe, numbered from the first free index. @throws CliError usage */
export const newAgentsIn = (input: Input, present: readonly FleetAgent[]): readonly NewAgent[] => {
  const given = input.text('names');
  const names = given === undefined ? undefined : listOf(given);
  const count = input.number('agents', 1, MAX_AT_ONCE) ?? names?.length ?? 1;
  if (names !== undefined && names.length !== count) {
    throw usageError(
      `--names gives ${names.length} names for ${count} agents.`,
      'Give one name per agent, or omit -n.',
    );
  }
  const first = Math.max(-1, ...present.map(({ index }) => index)) + 1;
  const agents = Array.from({ length: count }, (_, at) => ({
    index: first + at,
    name: names?.[at] ?? `a${first + at + 1}`,
  }));
  const taken = new Set(present.map(({ name }) => name));
  for (const { name } of agents) {
    // `fleet/7` names an agent by its index.
    if (!isKeyName(name) || /^[0-9]+$/.test(name)) {
      throw usageError(
        'A name of an agent is invalid.',
        'Use 1 to 32 of a-z 0-9 _ -, starting with a letter or digit, and not digits alone.',
      );
    }
    if (taken.has(name))
      throw usageError(`Two agents would have the name ${name}.`, 'Give names with --names a,b,c.');
    taken.add(name);
  }
  if (present.length + count > MAX_AGENTS)
    throw usageError(
      `A fleet has at most ${MAX_AGENTS} agents.`,
      'Create another one: `countersign fleet new <name>`.',
    );
  return agents;
};

/** Derives the agents' addresses on the client's paths. */
export const derived = async (
  mnemonic: string,
  organisation: number,
  agents: readonly NewAgent[],
): Promise<readonly FleetAgent[]> => {
  const { fleet } = await import('../../client/fleet.ts');
  const { agent } = fleet(mnemonic, { organisation });
  const found: FleetAgent[] = [];
  for (const { index, name } of agents) {
    found.push({ index, name, address: agent(index).address.toLowerCase() as Hex });
    // Derivation is synchronous: yield so that the spinner turns and Ctrl-C works.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return found;
};

/** @throws CliError unless the entry is a fleet */
export const asFleet = (entry: Entry | undefined): FleetEntry => {
  if (entry?.kind === 'fleet') return entry;
  throw new CliError('No fleet has that name.', {
    hint: '`countersign fleet list` prints the fleets; `countersign fleet new <name>` creates one.',
    exit: EXIT.unauthorised,
    code: 'unknown_key',
  });
};

export const agentTable = (
  out: Output,
  rows: readonly { readonly fleet: string; readonly agent: FleetAgent }[],
): string =>
  listed(
    out,
    [{ title: 'AGENT' }, { title: 'NO', align: 'right' }, { title: 'ADDRESS', cut: 'middle' }],
    rows.map(({ fleet, agent }) => [
      `${fleet}/${agent.name}`,
      String(agent.index),
      checksummed(agent.address),
    ]),
  );

export const agentDocument = ({ index, name, address }: FleetAgent) => ({
  index,
  name,
  address: checksummed(address),
});
