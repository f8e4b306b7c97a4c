import type { Command, CommandGroup } from './lib/command.ts';
import { sentence } from './lib/print.ts';
import { agentsOf, agentTable } from './signer/agents.ts';
import { AT_SIGNER, openOwner } from './signer/client.ts';
import { enrol } from './signer/enrol.ts';
import { exportLog } from './signer/export.ts';
import { init } from './signer/init.ts';
import { policy } from './signer/policy.ts';
import { revoke } from './signer/revoke.ts';
import { rotate } from './signer/rotate.ts';
import { backup, seed } from './signer/seed.ts';

const list: Command = {
  summary: 'list agents, what they have signed for, and what a stolen key could spend',
  options: [{ flags: '--revoked', summary: 'revoked agents as well' }, ...AT_SIGNER],
  shared: ['signer'],
  examples: ['countersign signer list --signer https://signer.example --as treasury'],
  run: async (session, input) => {
    const { out } = session;
    const client = await openOwner(session, input);
    const all = await agentsOf(client);
    const agents = input.flag('revoked') ? all : all.filter(({ status }) => status !== 'revoked');
    out.result({ owner: client.owner, agents }, () =>
      agents.length === 0
        ? sentence(out, 'No agents yet. `countersign signer enrol <name>` enrols one.')
        : agentTable(out, agents),
    );
  },
};

export const group: CommandGroup = {
  examples: [
    'countersign signer enrol bot --gateway https://gateway.example --per-call 0.05 --per-day 1',
    'countersign signer revoke bot',
  ],
  commands: { enrol, list, policy, rotate, revoke, export: exportLog, seed, backup, init },
};
