import type { Hex } from '../core/hex.ts';
import { checksummed } from '../crypto/address.ts';
import type { Command, CommandGroup } from './lib/command.ts';
import { CliError, EXIT, usageError } from './lib/errors.ts';
import { type Input, listOf } from './lib/input.ts';
import {
  type Entry,
  type FleetAgent,
  type FleetEntry,
  isKeyName,
  newKeyName,
} from './lib/keystore.ts';
import type { Output } from './lib/output.ts';
import { listed } from './lib/print.ts';
import type { Session } from './lib/session.ts';
import { counted } from './lib/text.ts';

const MAX_MNEMONIC = 1024;

const create: Command = {
  summary: 'create a fleet and its first agents',
  arguments: [{ syntax: '<fleet>', summary: 'name of the fleet' }],
  options: [
    { flags: '-n, --agents <number>', summary: 'number of agents (default: 1)' },
    {
      flags: '--names <names>',
      summary: 'names of the agents, comma-separated (default: a1, a2, …)',
    },
    {
      flags: '--organisation <number>',
      summary: 'branch of the mnemonic to derive from (default: 0)',
    },
    { flags: '--from-words', summary: 'use an existing mnemonic, from a prompt or from stdin' },
  ],
  shared: ['password'],
  examples: ['countersign fleet new team --names alice,bob,carol'],
  run: async (session, input) => {
    const { keystore, out, progress } = session;
    const name = newKeyName(input.arguments[0]);
    const organisation = input.number('organisation', 0, 2 ** 31 - 1) ?? 0;
    const wanted = newAgentsIn(input, []);
    if ((await keystore.entry(name)) !== undefined) {
      throw usageError(
        `A key or fleet named ${name} already exists.`,
        `\`countersign fleet derive ${name}\` adds agents to a fleet.`,
      );
    }
    const mnemonic = input.flag('fromWords') ? await readMnemonic(session) : await newMnemonic();
    const agents = await progress.during('deriving', async () =>
      derived(mnemonic, organisation, wanted),
    );
    const secret = new TextEncoder().encode(mnemonic);
    const entry = await keystore.add({ kind: 'fleet', name, organisation, agents }, secret);
    out.result({ name, organisation, agents: agents.map(agentDocument), file: entry.file }, () =>
      [
        `${out.style.good('created')} ${out.style.bold(name)} with ${counted(agents.length, 'agent')}`,
        '',
        agentTable(
          out,
          agents.map((agent) => ({ fleet: name, agent })),
        ),
        '',
        out.style.dim(`encrypted in ${entry.file}; back up the file and its password`),
      ].join('\n'),
    );
  },
};

/** 24 words: 256 bits of the system's randomness. */
const newMnemonic = async (): Promise<string> => {
  const { english, generateMnemonic } = await import('viem/accounts');
  return generateMnemonic(english, 256);
};

const readMnemonic = async ({ prompts, stdin }: Session): Promise<string> => {
  const text = prompts.isInteractive
    ? await prompts.hidden({
        message: 'Mnemonic (12 to 24 words, not shown)',
        instead: 'the mnemonic on standard input',
      })
    : new TextDecoder().decode(await stdin(MAX_MNEMONIC));
  const mnemonic = text.trim().toLowerCase().split(/\s+/).join(' ');
  const { validate } = await import('ox/Mnemonic');
  const { english } = await import('viem/accounts');
  if (validate(mnemonic, english)) return mnemonic;
  throw usageError(
    'That is not a BIP-39 mnemonic.',
    'Give all of its 12, 15, 18, 21 or 24 English words in order.',
  );
};

const derive: Command = {
  summary: 'add agents to a fleet',
  arguments: [{ syntax: '<fleet>', summary: 'name of the fleet' }],
  options: [
    { flags: '-n, --agents <number>', summary: 'number of new agents (default: 1)' },
    {
      flags: '--names <names>',
      summary: 'names of the agents, comma-separated (default: a1, a2, …)',
    },
  ],
  shared: ['password'],
  examples: [
    'countersign fleet derive team -n 2',
    'countersign fleet derive team --names dave,erin',
  ],
  run: async ({ keystore, out, progress }, input) => {
    const fleet = asFleet(await keystore.entry(input.arguments[0] ?? ''));
    const wanted = newAgentsIn(input, fleet.agents);
    const mnemonic = new TextDecoder().decode(await keystore.secret(fleet));
    const agents = await progress.during('deriving', async () =>
      derived(mnemonic, fleet.organisation, wanted),
    );
    await keystore.updateFleet({ ...fleet, agents: [...fleet.agents, ...agents] });
    out.result({ name: fleet.name, agents: agents.map(agentDocument) }, () =>
      agentTable(
        out,
        agents.map((agent) => ({ fleet: fleet.name, agent })),
      ),
    );
  },
};

const list: Command = {
  summary: 'list fleets and the addresses of their agents; needs no password',
  arguments: [{ syntax: '[fleet]', summary: 'only this fleet' }],
  examples: ['countersign fleet list', 'countersign fleet list team'],
  run: async ({ keystore, out }, input) => {
    const [name] = input.arguments;
    const fleets =
      name === undefined
        ? (await keystore.entries()).filter((entry) => entry.kind === 'fleet')
        : [asFleet(await keystore.entry(name))];
    const document = fleets.map((fleet) => ({
      name: fleet.name,
      organisation: fleet.organisation,
      agents: fleet.agents.map(agentDocument),
    }));
    out.result({ fleets: document }, () =>
      fleets.length === 0
        ? `No fleets yet. Create one with ${out.style.accent('countersign fleet new <name>')}.`
        : agentTable(
            out,
            fleets.flatMap((fleet) => fleet.agents.map((agent) => ({ fleet: fleet.name, agent }))),
          ),
    );
  },
};

export const group: CommandGroup = {
  examples: [
    'countersign fleet new team --names alice,bob,carol',
    'countersign fleet derive team -n 2',
    'countersign call /tools/lookup?word=river --as team/alice',
  ],
  commands: { new: create, derive, list },
};

const MAX_AGENTS = 10_000;
const MAX_AT_ONCE = 1000;

type NewAgent = { readonly index: number; readonly name: string };

/** The new agents that `--agents` and `--names` describe, numbered from the first free index. @throws CliError usage */
const newAgentsIn = (input: Input, present: readonly FleetAgent[]): readonly NewAgent[] => {
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
    throw usageError(`A fleet has at most ${MAX_AGENTS} agents.`, 'Create another fleet.');
  return agents;
};

/** Derives the agents' addresses on the client's paths. */
const derived = async (
  mnemonic: string,
  organisation: number,
  agents: readonly NewAgent[],
): Promise<readonly FleetAgent[]> => {
  const { fleet } = await import('../client/accounts.ts');
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
const asFleet = (entry: Entry | undefined): FleetEntry => {
  if (entry?.kind === 'fleet') return entry;
  throw new CliError('No fleet has that name.', {
    hint: '`countersign fleet list` prints the fleets; `countersign fleet new <name>` creates one.',
    exit: EXIT.unauthorised,
    code: 'unknown_key',
  });
};

const agentTable = (
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

const agentDocument = ({ index, name, address }: FleetAgent) => ({
  index,
  name,
  address: checksummed(address),
});
