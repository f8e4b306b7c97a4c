import type { Hex } from '../../core/hex.ts';
import type { Input } from './command.ts';
import { usageError } from './errors.ts';
import { isKeyName } from './key-name.ts';
import type { FleetAgent } from './keystore.ts';

/** One fleet's agents are one file, and one list on a screen. */
export const MOST_AGENTS = 10_000;
const MOST_AT_ONCE = 1000;

export type NewAgent = { readonly index: number; readonly name: string };

/** The agents that the options ask for, numbered from the first free number on. @throws CliError */
export const askedAgents = (input: Input, have: readonly FleetAgent[]): readonly NewAgent[] => {
  const names = input
    .text('names')
    ?.split(',')
    .map((name) => name.trim());
  const count = input.number('agents', 1, MOST_AT_ONCE) ?? names?.length ?? 1;
  if (names !== undefined && names.length !== count) {
    throw usageError(
      `--names has ${names.length} names for ${count} agents.`,
      'Give one name an agent, or leave -n out.',
    );
  }
  const first = Math.max(-1, ...have.map(({ index }) => index)) + 1;
  const agents = Array.from({ length: count }, (_, at) => ({
    index: first + at,
    name: names?.[at] ?? `a${first + at + 1}`,
  }));
  const taken = new Set(have.map(({ name }) => name));
  for (const { name } of agents) {
    // A name of digits alone would be read as an agent's number.
    if (!isKeyName(name) || /^[0-9]+$/.test(name)) {
      throw usageError(
        'An agent has a name that cannot be used.',
        'Use 1 to 32 of a-z 0-9 _ -, beginning with a letter or digit, and not digits alone.',
      );
    }
    if (taken.has(name)) {
      throw usageError(`Two agents would be named ${name}.`, 'Give names with --names a,b,c.');
    }
    taken.add(name);
  }
  if (have.length + count > MOST_AGENTS) {
    throw usageError(`A fleet has at most ${MOST_AGENTS} agents.`, 'Make another fleet.');
  }
  return agents;
};

/** Their addresses, by the client's paths. */
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
    // So that a spinner turns, and Ctrl-C is heard.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return found;
};
