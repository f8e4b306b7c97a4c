import { agentDocument, agentTable, asFleet, derived, newAgentsIn } from './fleet/agents.ts';
import { BUDGET, budgetsDocument, grantBudgets, openOwner } from './fleet/budget.ts';
import type { Command, CommandGroup } from './lib/command.ts';
import { usageError } from './lib/errors.ts';
import { newKeyName } from './lib/keystore.ts';
import { sentence } from './lib/print.ts';
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
    ...BUDGET,
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign fleet new team --names alice,bob,carol',
    'countersign fleet new team -n 20 --per-day 0.50 --as treasury',
  ],
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
    const owner = await openOwner(session, input);
    const mnemonic = input.flag('fromWords') ? await readMnemonic(session) : await newMnemonic();
    const agents = await progress.during('deriving', async () =>
      derived(mnemonic, organisation, wanted),
    );
    const secret = new TextEncoder().encode(mnemonic);
    const entry = await keystore.add({ kind: 'fleet', name, organisation, agents }, secret);
    const members = { fleet: name, mnemonic, organisation, agents };
    const budgets = owner && (await grantBudgets(owner, input, members));
    const document = { name, organisation, agents: agents.map(agentDocument), file: entry.file };
    out.result({ ...document, ...budgetsDocument(budgets) }, () =>
      [
        `${out.style.good('created')} ${out.style.bold(name)} with ${counted(agents.length, 'agent')}`,
        '',
        agentTable(
          out,
          agents.map((agent) => ({ fleet: name, agent })),
        ),
        '',
        ...(budgets?.lines() ?? [
          sentence(
            out,
            `\`countersign fleet budget ${name} --per-day 1\` gives each of them a budget.`,
          ),
        ]),
        out.style.dim(
          sentence(out, `encrypted in ${entry.file}; back up the file and its password`),
        ),
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
    ...BUDGET,
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign fleet derive team -n 2',
    'countersign fleet derive team --names dave,erin --per-day 0.50 --as treasury',
  ],
  run: async (session, input) => {
    const { keystore, out, progress } = session;
    const fleet = asFleet(await keystore.entry(input.arguments[0] ?? ''));
    const wanted = newAgentsIn(input, fleet.agents);
    const owner = await openOwner(session, input);
    const mnemonic = new TextDecoder().decode(await keystore.secret(fleet));
    const agents = await progress.during('deriving', async () =>
      derived(mnemonic, fleet.organisation, wanted),
    );
    await keystore.updateFleet({ ...fleet, agents: [...fleet.agents, ...agents] });
    const { name, organisation } = fleet;
    const members = { fleet: name, mnemonic, organisation, agents };
    const budgets = owner && (await grantBudgets(owner, input, members));
    const document = { name, agents: agents.map(agentDocument) };
    out.result({ ...document, ...budgetsDocument(budgets) }, () =>
      [
        agentTable(
          out,
          agents.map((agent) => ({ fleet: name, agent })),
        ),
        ...(budgets === undefined ? [] : ['', ...budgets.lines()]),
      ].join('\n'),
    );
  },
};

const budget: Command = {
  summary: 'give every agent of a fleet the same budget, as its owner',
  arguments: [{ syntax: '<fleet>', summary: 'name of the fleet' }],
  options: BUDGET,
  shared: ['gateway', 'signer'],
  examples: [
    'countersign fleet budget team --per-day 0.50 --as treasury',
    "countersign fleet budget team --total 5 --tools 'lookup,search.*' --as treasury",
  ],
  run: async (session, input) => {
    const { keystore, out } = session;
    const { name, ...fleet } = asFleet(await keystore.entry(input.arguments[0] ?? ''));
    const owner = await openOwner(session, input);
    if (owner === undefined)
      throw usageError('The budget is missing.', 'Give e.g. --per-day 1, or --total 5.');
    const mnemonic = new TextDecoder().decode(await keystore.secret({ name, ...fleet }));
    const { organisation, agents } = fleet;
    const members = { fleet: name, mnemonic, organisation, agents };
    const budgets = await grantBudgets(owner, input, members);
    out.result({ name, ...budgetsDocument(budgets) }, () =>
      [
        ...budgets.lines(),
        out.style.dim(
          'Earlier grants stay valid for calls that name them: `countersign revoke` ends them.',
        ),
      ].join('\n'),
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
    'countersign fleet new team --names alice,bob,carol --per-day 0.50 --as treasury',
    'countersign fleet derive team -n 2',
    'countersign call /tools/lookup?word=river --as team/alice',
  ],
  commands: { new: create, budget, derive, list },
};
