import { defineCommand } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { agentDocument, agentTable, derived, newAgentsIn } from '../lib/fleet-agents.ts';
import { newKeyName } from '../lib/key-name.ts';
import type { Session } from '../lib/session.ts';
import { counted } from '../lib/text.ts';

const MAX_MNEMONIC = 1024;

export const command = defineCommand({
  summary: 'create a fleet: a mnemonic and the first agents derived from it',
  arguments: [{ syntax: '<fleet>', summary: 'name of the fleet' }],
  options: [
    { flags: '-n, --agents <number>', summary: 'number of agents (default: 1)' },
    {
      flags: '--names <names>',
      summary: 'names of the agents, comma-separated (default: a1, a2, …)',
    },
    {
      flags: '--organisation <number>',
      summary: 'account index of BIP-44 to derive from (default: 0)',
    },
    { flags: '--from-words', summary: 'use an existing mnemonic, from a prompt or from stdin' },
  ],
  shared: ['password'],
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
});

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
